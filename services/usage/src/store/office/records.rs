//! An owner's rows of the ledger. Months outside the span are not looked at on PostgreSQL.

use async_trait::async_trait;
use sea_orm::FromQueryResult;
use types::{Microusd, Page, PageRequest, Timestamp, UserId};
use uuid::Uuid;

use super::{Number, SqlOffice, rows};
use crate::domain::entry::EntryKind;
use crate::domain::error::Error;
use crate::domain::records::{Record, RecordKind, RecordStore, Span};
use crate::store::error::StoreError;

const COLUMNS: &str = "id, kind, created_at, work, provider, model, project, api_key, task_id, attempt, \
    units, tokens, CASE WHEN credit LIKE 'user:%' THEN -amount ELSE amount END AS charged, \
    price_version, note";
const THEIRS: &str = "owner = $1 AND kind IN ('charge', 'adjustment') \
    AND created_at >= $2 AND created_at < $3";

#[derive(Debug, FromQueryResult)]
struct Row {
    id: Uuid,
    kind: String,
    created_at: i64,
    work: String,
    provider: String,
    model: String,
    project: String,
    api_key: String,
    task_id: String,
    attempt: i64,
    units: i64,
    tokens: i64,
    charged: i64,
    price_version: String,
    note: String,
}

#[async_trait]
impl RecordStore for SqlOffice {
    async fn newest(
        &self,
        owner: UserId,
        span: Span,
        page: PageRequest,
    ) -> Result<Page<Record>, Error> {
        let sql = format!(
            "SELECT {COLUMNS} FROM entries WHERE {THEIRS} AND id < $4 ORDER BY id DESC LIMIT $5"
        );
        let [from, until] = bounds(span);
        let before = page.before.unwrap_or(Uuid::max());
        let most = page.size + 1;
        let values = [
            owner.uuid().into(),
            from.into(),
            until.into(),
            before.into(),
            most.into(),
        ];
        let found: Vec<Row> = rows(self.db.read(), &sql, values).await?;
        let records = found.into_iter().map(Row::read).collect::<Result<_, _>>()?;
        Ok(Page::from_rows(records, page, |record: &Record| record.id))
    }

    async fn after(
        &self,
        owner: UserId,
        span: Span,
        id: Option<Uuid>,
        most: u64,
    ) -> Result<Vec<Record>, Error> {
        let sql = format!(
            "SELECT {COLUMNS} FROM entries WHERE {THEIRS} AND id > $4 ORDER BY id LIMIT $5"
        );
        let [from, until] = bounds(span);
        let after = id.unwrap_or(Uuid::nil());
        let values = [
            owner.uuid().into(),
            from.into(),
            until.into(),
            after.into(),
            most.into(),
        ];
        let found: Vec<Row> = rows(self.db.read(), &sql, values).await?;
        Ok(found.into_iter().map(Row::read).collect::<Result<_, _>>()?)
    }

    async fn count(&self, owner: UserId, span: Span, most: u64) -> Result<u64, Error> {
        let sql = format!(
            "SELECT COUNT(*) AS n FROM (SELECT 1 FROM entries WHERE {THEIRS} LIMIT $4) counted"
        );
        let [from, until] = bounds(span);
        let values = [owner.uuid().into(), from.into(), until.into(), most.into()];
        let found: Vec<Number> = rows(self.db.read(), &sql, values).await?;
        let count = found.first().map_or(0, |row| row.n);
        Ok(u64::try_from(count).unwrap_or(0))
    }
}

impl Row {
    fn read(self) -> Result<Record, StoreError> {
        let kind = match EntryKind::parse(&self.kind) {
            Some(EntryKind::Charge) => RecordKind::Charge,
            Some(EntryKind::Adjustment) => RecordKind::Adjustment,
            _ => return Err(StoreError::Corrupt("a record's kind")),
        };
        Ok(Record {
            id: self.id,
            kind,
            created_at: Timestamp(self.created_at),
            work: match kind {
                RecordKind::Charge => self.work,
                RecordKind::Adjustment => String::new(),
            },
            provider: self.provider,
            model: self.model,
            project: self.project,
            api_key: self.api_key,
            task: self.task_id,
            attempt: self.attempt,
            units: self.units,
            tokens: self.tokens,
            charged: Microusd(self.charged),
            price_version: self.price_version,
            note: self.note,
        })
    }
}

fn bounds(span: Span) -> [i64; 2] {
    let from = span.from.map_or(i64::MIN, Timestamp::micros);
    [from, span.until.map_or(i64::MAX, Timestamp::micros)]
}

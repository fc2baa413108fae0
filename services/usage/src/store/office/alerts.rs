//! Alerts: listed, acknowledged, and handed to one process at a time to be sent.

use async_trait::async_trait;
use database::Backend;
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use types::{Page, PageRequest, Timestamp};
use uuid::Uuid;

use super::{Number, SqlOffice, change, id_text, rows};
use crate::domain::alert::{Alert, AlertKind};
use crate::domain::alerts::{AlertStore, Claimed, Posted};
use crate::domain::error::Error;
use crate::store::error::StoreError;

#[derive(Debug, FromQueryResult)]
struct Row {
    id: Uuid,
    kind: String,
    dedupe: String,
    message: String,
    budget_id: Option<Uuid>,
    percent: i32,
    amount: i64,
    units: i64,
    window_start: Option<i64>,
    created_at: i64,
    tries: i32,
    tries_before: i32,
    delivered_at: Option<i64>,
    acknowledged_at: Option<i64>,
    acknowledged_by: String,
}

#[async_trait]
impl AlertStore for SqlOffice {
    async fn newest(&self, budget: Option<Uuid>, page: PageRequest) -> Result<Page<Posted>, Error> {
        let theirs = if budget.is_some() {
            "AND budget_id = $3"
        } else {
            ""
        };
        let sql = format!("SELECT * FROM alerts WHERE id < $1 {theirs} ORDER BY id DESC LIMIT $2");
        let before = page.before.unwrap_or(Uuid::max());
        let mut values = vec![before.into(), (page.size + 1).into()];
        values.extend(budget.map(Into::into));
        let found: Vec<Row> = rows(self.db.read(), &sql, values).await?;
        let posted = found
            .into_iter()
            .map(Row::posted)
            .collect::<Result<_, _>>()?;
        Ok(Page::from_rows(posted, page, |one: &Posted| one.alert.id))
    }

    async fn find(&self, id: Uuid) -> Result<Option<Posted>, Error> {
        let sql = "SELECT * FROM alerts WHERE id = $1";
        let found: Vec<Row> = rows(self.db.read(), sql, [id.into()]).await?;
        Ok(found.into_iter().next().map(Row::posted).transpose()?)
    }

    async fn acknowledge(&self, id: Uuid, by: &str, now: Timestamp) -> Result<(), Error> {
        let sql = "UPDATE alerts SET acknowledged_at = $2, acknowledged_by = $3 \
                   WHERE id = $1 AND acknowledged_at IS NULL";
        let values = [id.into(), now.micros().into(), by.into()];
        let act = ("alert.acknowledge", by);
        Ok(self.audited(act, id, now, sql, values.into()).await?)
    }

    async fn redeliver(&self, id: Uuid, by: &str, now: Timestamp) -> Result<(), Error> {
        let sql = "UPDATE alerts SET next_try_at = $2, tries_before = tries WHERE id = $1";
        let values = [id.into(), now.micros().into()];
        let act = ("alert.redeliver", by);
        Ok(self.audited(act, id, now, sql, values.into()).await?)
    }

    async fn claim(
        &self,
        now: Timestamp,
        until: Timestamp,
        most: u64,
    ) -> Result<Vec<Claimed>, Error> {
        if !self.is_any("next_try_at <= $1", now).await? {
            return Ok(Vec::new());
        }
        let lock = match self.db.backend() {
            Backend::Postgres => "FOR UPDATE SKIP LOCKED",
            // There is one writer.
            Backend::Sqlite => "",
        };
        // The choice is made once; a plan that looked again while updating would take too many.
        let sql = format!(
            "WITH due AS MATERIALIZED (SELECT id FROM alerts WHERE next_try_at <= $1
               ORDER BY next_try_at, id LIMIT $2 {lock})
             UPDATE alerts SET next_try_at = $3, tries = tries + 1
             WHERE id IN (SELECT id FROM due) RETURNING *"
        );
        let tx = self.db.begin().await.map_err(StoreError::from)?;
        self.enter_new(&*tx).await?;
        let values = [now.micros().into(), most.into(), until.micros().into()];
        let taken: Vec<Row> = rows(&*tx, &sql, values).await?;
        tx.commit().await.map_err(StoreError::from)?;
        let claimed = taken.into_iter().map(|row| row.claimed(until));
        Ok(claimed.collect::<Result<_, _>>()?)
    }

    async fn taken(&self, claimed: &Claimed, now: Timestamp) -> Result<(), Error> {
        // That it arrived is true whoever asked for it again meanwhile.
        let sql = "UPDATE alerts SET delivered_at = $3, \
                   next_try_at = CASE WHEN next_try_at = $2 THEN NULL ELSE next_try_at END \
                   WHERE id = $1";
        let values = [
            claimed.alert.id.into(),
            claimed.until.micros().into(),
            now.micros().into(),
        ];
        change(self.db.write(), sql, values).await?;
        Ok(())
    }

    async fn failed(&self, claimed: &Claimed, next: Option<Timestamp>) -> Result<(), Error> {
        let sql = "UPDATE alerts SET next_try_at = $3 WHERE id = $1 AND next_try_at = $2";
        let values = [
            claimed.alert.id.into(),
            claimed.until.micros().into(),
            next.map(Timestamp::micros).into(),
        ];
        change(self.db.write(), sql, values).await?;
        Ok(())
    }

    async fn keep_silent(&self) -> Result<(), Error> {
        if !self
            .is_any("next_try_at <= $1", Timestamp(i64::MAX))
            .await?
        {
            return Ok(());
        }
        let tx = self.db.begin().await.map_err(StoreError::from)?;
        self.enter_new(&*tx).await?;
        let sql = "UPDATE alerts SET next_try_at = NULL WHERE next_try_at IS NOT NULL";
        change(&*tx, sql, []).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    async fn ring(&self, alert: &Alert) -> Result<(), Error> {
        Ok(ring(self.db.write(), alert).await?)
    }
}

impl SqlOffice {
    // What an operator does to an alert, and that it was done, in one transaction; nothing when nothing
    // changes by it.
    async fn audited(
        &self,
        (action, actor): (&str, &str),
        id: Uuid,
        now: Timestamp,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<(), StoreError> {
        let tx = self.db.begin().await?;
        if change(&*tx, sql, values).await? > 0 {
            let audit = "INSERT INTO audit (id, action, target, before, after, actor, created_at) \
                         VALUES ($1, $2, $3, '', '', $4, $5)";
            let row = [
                Uuid::now_v7().into(),
                action.into(),
                id.to_string().into(),
                actor.into(),
                now.micros().into(),
            ];
            change(&*tx, audit, row).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn is_any(&self, which: &str, moment: Timestamp) -> Result<bool, StoreError> {
        let sql = format!(
            "SELECT CASE WHEN EXISTS (SELECT 1 FROM alerts WHERE {which}) THEN CAST(1 AS BIGINT) ELSE 0 END AS n"
        );
        let found: Vec<Number> = rows(self.db.read(), &sql, [moment.micros().into()]).await?;
        Ok(found.first().is_some_and(|row| row.n == 1))
    }

    // The audit's row has the alert's id, so that there is one however often this is done.
    async fn enter_new(&self, on: &impl ConnectionTrait) -> Result<(), StoreError> {
        let (object, budget) = match self.db.backend() {
            Backend::Postgres => ("json_build_object", "budget_id"),
            Backend::Sqlite => ("json_object", "budget_id"),
        };
        let budget = id_text(self.db.backend(), budget);
        let sql = format!(
            "INSERT INTO audit (id, action, target, before, after, actor, created_at)
             SELECT id, 'alert.fired', {budget}, '', CAST({object}('message', message,
               'percent', percent, 'amount', amount, 'limit', units) AS TEXT), 'usage', created_at
             FROM alerts WHERE kind = 'BUDGET_THRESHOLD' AND next_try_at IS NOT NULL
               AND budget_id IS NOT NULL
               AND NOT EXISTS (SELECT 1 FROM audit a WHERE a.id = alerts.id)
             ON CONFLICT DO NOTHING"
        );
        change(on, &sql, []).await?;
        Ok(())
    }
}

/// An alert goes off, unless the same did before.
pub(super) async fn ring(on: &impl ConnectionTrait, alert: &Alert) -> Result<(), StoreError> {
    let sql = "INSERT INTO alerts (id, kind, dedupe, message, budget_id, percent, amount, units, \
               window_start, created_at, next_try_at, tries, acknowledged_by) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, 0, '') \
               ON CONFLICT (dedupe) DO NOTHING";
    let values = [
        alert.id.into(),
        alert.kind.as_str().into(),
        alert.dedupe.as_str().into(),
        alert.message.as_str().into(),
        alert.budget.into(),
        alert.percent.into(),
        alert.amount.into(),
        alert.limit.into(),
        alert.window_start.map(Timestamp::micros).into(),
        alert.created_at.micros().into(),
    ];
    change(on, sql, values).await?;
    Ok(())
}

impl Row {
    fn posted(self) -> Result<Posted, StoreError> {
        Ok(Posted {
            delivered_at: self.delivered_at.map(Timestamp),
            tries: self.tries,
            acknowledged_at: self.acknowledged_at.map(Timestamp),
            acknowledged_by: self.acknowledged_by.clone(),
            alert: self.alert()?,
        })
    }

    fn claimed(self, until: Timestamp) -> Result<Claimed, StoreError> {
        Ok(Claimed {
            until,
            attempt: u32::try_from(self.tries - self.tries_before).unwrap_or(1),
            alert: self.alert()?,
        })
    }

    fn alert(self) -> Result<Alert, StoreError> {
        let kind = AlertKind::parse(&self.kind).ok_or(StoreError::Corrupt("an alert's kind"))?;
        Ok(Alert {
            id: self.id,
            kind,
            dedupe: self.dedupe,
            message: self.message,
            budget: self.budget_id,
            percent: self.percent,
            amount: self.amount,
            limit: self.units,
            window_start: self.window_start.map(Timestamp),
            created_at: Timestamp(self.created_at),
        })
    }
}

//! Sums over the roll-up of days; the ledger itself is not read.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};
use uuid::Uuid;

use super::{SqlOffice, rows};
use crate::domain::error::Error;
use crate::domain::forecast::{Days, PaceStore, Past};
use crate::domain::meter::Meter;
use crate::domain::reports::{Group, Question, ReportStore, Sum};
use crate::domain::scope::Scope;
use crate::store::error::StoreError;

// Corrections are between owner and platform: providers are paid nothing for them.
const SUMS: &str = "CAST(SUM(records) AS BIGINT) AS records, CAST(SUM(units) AS BIGINT) AS units, \
    CAST(SUM(tokens) AS BIGINT) AS tokens, CAST(SUM(charged) AS BIGINT) AS charged, \
    CAST(SUM(loss) AS BIGINT) AS loss, \
    CAST(SUM(CASE WHEN work = 'ADJUSTMENT' THEN 0 ELSE charged END + loss) AS BIGINT) AS cost";

#[async_trait]
impl ReportStore for SqlOffice {
    async fn sum(&self, question: &Question) -> Result<Vec<Sum>, Error> {
        Ok(self.summed(question).await?)
    }
}

#[derive(Debug, sea_orm::FromQueryResult)]
struct PastRow {
    place: i64,
    total: i64,
    since: Option<i32>,
    before: i64,
}

#[async_trait]
impl PaceStore for SqlOffice {
    async fn used(&self, of: &[(&Scope, Meter)], days: Days) -> Result<Vec<Past>, Error> {
        let mut values: Vec<Value> = vec![days.first.into(), days.last.into()];
        let mut parts = Vec::with_capacity(of.len());
        for (place, (scope, meter)) in of.iter().enumerate() {
            let theirs = name_of(scope).map(|(column, name)| {
                values.push(name);
                format!("AND {column} = ${}", values.len())
            });
            parts.push(past(place, *meter, &theirs.unwrap_or_default()));
        }
        let mut pasts = vec![Past::default(); of.len()];
        if parts.is_empty() {
            return Ok(pasts);
        }
        let found: Vec<PastRow> = rows(self.db.read(), &parts.join(" UNION ALL "), values).await?;
        for row in found {
            let place = usize::try_from(row.place).ok();
            if let Some(past) = place.and_then(|place| pasts.get_mut(place)) {
                past.total = row.total;
                past.since = (row.before == 1).then_some(days.first).or(row.since);
            }
        }
        Ok(pasts)
    }
}

fn past(place: usize, meter: Meter, theirs: &str) -> String {
    let column = match meter {
        Meter::Generations => "units",
        Meter::Microusd => "charged",
        Meter::Tokens => "tokens",
        // Nothing counts them.
        Meter::StorageBytes | Meter::Requests => "0",
    };
    format!(
        "SELECT CAST({place} AS BIGINT) AS place, CAST(COALESCE(SUM({column}), 0) AS BIGINT) AS total,
           MIN(day) AS since, CASE WHEN EXISTS (SELECT 1 FROM usage_daily
             WHERE day < $1 AND work <> 'ADJUSTMENT' {theirs}) THEN CAST(1 AS BIGINT) ELSE 0 END AS before
         FROM usage_daily WHERE day >= $1 AND day <= $2 AND work <> 'ADJUSTMENT' {theirs}"
    )
}

// The column that gathers a scope's use, and what stands in it.
fn name_of(scope: &Scope) -> Option<(&'static str, Value)> {
    Some(match scope {
        Scope::Global => return None,
        Scope::User(id) => ("owner", id.uuid().into()),
        Scope::ApiKey(id) => ("api_key", id.as_str().into()),
        Scope::Project(id) => ("project", id.as_str().into()),
        Scope::Plan(name) => ("tier", name.as_str().into()),
        Scope::Provider(name) => ("provider", name.as_str().into()),
        Scope::Kind(name) => ("work", name.as_str().into()),
    })
}

impl SqlOffice {
    async fn summed(&self, question: &Question) -> Result<Vec<Sum>, StoreError> {
        let columns: Vec<&str> = question.groups.iter().map(|group| column(*group)).collect();
        let list = columns.join(", ");
        let mut values: Vec<Value> = vec![question.from.into(), question.until.into()];
        let mut further = String::new();
        if let Some(after) = &question.after {
            let marks: Vec<String> = (3..3 + after.len())
                .map(|place| format!("${place}"))
                .collect();
            further = format!("AND ({list}) > ({})", marks.join(", "));
            for (group, name) in question.groups.iter().zip(after) {
                values.push(value(*group, name)?);
            }
        }
        values.push((question.size + 1).into());
        let limit = values.len();
        let sql = format!(
            "SELECT {list}, {SUMS} FROM usage_daily WHERE day >= $1 AND day <= $2 {further} \
             GROUP BY {list} ORDER BY {list} LIMIT ${limit}"
        );
        let db = self.db.read();
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        let found = db.query_all_raw(statement).await?;
        found.iter().map(|row| sum(row, &question.groups)).collect()
    }
}

const fn column(group: Group) -> &'static str {
    match group {
        Group::Day => "day",
        Group::Provider => "provider",
        Group::Model => "model",
        Group::User => "owner",
        Group::Kind => "work",
        Group::Plan => "tier",
        Group::Project => "project",
    }
}

fn value(group: Group, name: &str) -> Result<Value, StoreError> {
    let wrong = || StoreError::Corrupt("a name of a group");
    Ok(match group {
        Group::Day => name.parse::<i32>().map_err(|_| wrong())?.into(),
        Group::User => name.parse::<Uuid>().map_err(|_| wrong())?.into(),
        _ => name.into(),
    })
}

fn sum(row: &QueryResult, groups: &[Group]) -> Result<Sum, StoreError> {
    let names = groups.iter().map(|group| {
        let column = column(*group);
        Ok(match group {
            Group::Day => row.try_get::<i32>("", column)?.to_string(),
            Group::User => row.try_get::<Uuid>("", column)?.hyphenated().to_string(),
            _ => row.try_get("", column)?,
        })
    });
    Ok(Sum {
        names: names.collect::<Result<_, StoreError>>()?,
        records: row.try_get("", "records")?,
        units: row.try_get("", "units")?,
        tokens: row.try_get("", "tokens")?,
        cost: row.try_get("", "cost")?,
        charged: row.try_get("", "charged")?,
        loss: row.try_get("", "loss")?,
    })
}

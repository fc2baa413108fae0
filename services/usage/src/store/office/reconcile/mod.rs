//! Compares every sum that is kept with what it is the sum of, all as of one moment. The database
//! does the summing; only what differs comes here.

mod sql;
mod windows;

use std::time::Duration;

use async_trait::async_trait;
use database::{Backend, Transaction};
use sea_orm::{ConnectionTrait, FromQueryResult, Statement, Value};

use super::{Number, SqlOffice, rows};
use crate::domain::error::Error;
use crate::domain::reconcile::{Auditor, Check, Difference, Findings, MOST};
use crate::domain::window::Calendar;
use crate::store::error::StoreError;

// A ledger of years takes its time, and keeps nobody waiting.
const PATIENCE: Duration = Duration::from_mins(10);

// When the configured plans last changed. What operators change counts from the windows' beginning.
const CHANGED: &str = "SELECT COALESCE(MAX(n), 0) AS n FROM (
    SELECT MAX(done_at) AS n FROM chores WHERE name = 'plans' UNION ALL
    SELECT MAX(created_at) FROM audit WHERE action IN ('plan.put', 'plan.delete', 'budget.delete')) changes";

/// From where on the books are whole.
#[derive(Debug, Clone, Copy, Default, FromQueryResult)]
struct Bounds {
    /// Since when everything used is in the ledger.
    since: i64,
    /// Until when the ledger's months were dropped.
    horizon: i64,
}

/// A comparison: a query of a subject and pairs `e0, f0, e1, f1…` of what should be and what is.
struct Comparison<'a> {
    check: Check,
    sql: String,
    values: Vec<Value>,
    names: &'a [&'a str],
}

#[async_trait]
impl Auditor for SqlOffice {
    async fn reconcile(&self, calendar: &Calendar) -> Result<Findings, Error> {
        Ok(self.compare_all(calendar).await?)
    }
}

impl SqlOffice {
    async fn compare_all(&self, calendar: &Calendar) -> Result<Findings, StoreError> {
        let backend = self.db.backend();
        let tx = self.db.snapshot(PATIENCE).await?;
        if backend == Backend::Postgres {
            // Before anything is read: a month must not go while its rows are looked for.
            let lock = "LOCK TABLE entries IN ACCESS SHARE MODE";
            tx.execute_unprepared(lock).await?;
        }
        let bounds: Vec<Bounds> =
            rows(&*tx, "SELECT since, horizon FROM ledger_bounds", []).await?;
        let bounds = bounds.into_iter().next().unwrap_or_default();
        let changed: Vec<Number> = rows(&*tx, CHANGED, []).await?;
        let changed = changed.first().map_or(0, |row| row.n);
        let (windows, skipped) = windows::of_counters(&tx, backend, calendar, bounds).await?;
        let mut findings = Findings {
            skipped,
            ..Findings::default()
        };
        let since = bounds.since.max(bounds.horizon);
        let comparisons = [
            sql::accounts(),
            sql::held(backend),
            sql::used(backend, &windows, changed),
            sql::daily(backend, last_day_before(calendar, bounds.horizon)),
            sql::reservations(backend, since),
        ];
        for comparison in comparisons {
            findings.extend(compare(&tx, comparison).await?);
        }
        tx.rollback().await?;
        Ok(findings)
    }
}

// One more than is told, to know whether there are more.
async fn compare(
    tx: &Transaction,
    comparison: Comparison<'_>,
) -> Result<Vec<Difference>, StoreError> {
    let backend = tx.get_database_backend();
    let sql = format!("{} LIMIT {}", comparison.sql, MOST + 1);
    let statement = Statement::from_sql_and_values(backend, sql, comparison.values);
    let mut differences = Vec::new();
    for row in tx.query_all_raw(statement).await? {
        let subject: String = row.try_get("", "subject")?;
        for (index, name) in comparison.names.iter().enumerate() {
            let expected: i64 = row.try_get("", &format!("e{index}"))?;
            let found: i64 = row.try_get("", &format!("f{index}"))?;
            if expected != found {
                differences.push(Difference {
                    check: comparison.check,
                    subject: subject.clone(),
                    what: (*name).to_owned(),
                    expected,
                    found,
                });
            }
        }
    }
    Ok(differences)
}

// Work of the days after this one is in the ledger as a whole: what was reserved after the horizon
// was charged after it.
fn last_day_before(calendar: &Calendar, horizon: i64) -> i32 {
    if horizon == 0 {
        return 0;
    }
    calendar.day(types::Timestamp(horizon - 1))
}

//! Which days the windows of the counters span: calendars are no matter for SQL.

use database::{Backend, Transaction};
use sea_orm::FromQueryResult;
use serde::Serialize;
use types::Timestamp;

use super::super::rows;
use super::Bounds;
use crate::domain::window::{Calendar, WindowKind};
use crate::store::error::StoreError;

/// A window that counters of a family have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Days {
    /// The subject up to its colon: `user`, `global`, `provider`.
    pub(super) family: String,
    kind: String,
    start: i64,
    first: i32,
    last: i32,
    reset: i64,
}

#[derive(Debug, FromQueryResult)]
struct Row {
    family: String,
    kind: String,
    start: i64,
    n: i64,
}

/// A counter's family, of its subject.
pub(super) fn family(backend: Backend, subject: &str) -> String {
    match backend {
        Backend::Postgres => format!("split_part({subject}, ':', 1)"),
        Backend::Sqlite => format!(
            "CASE WHEN instr({subject}, ':') = 0 THEN {subject} \
             ELSE substr({subject}, 1, instr({subject}, ':') - 1) END"
        ),
    }
}

/// The windows whose use can be summed again, and how many counters have others.
pub(super) async fn of_counters(
    tx: &Transaction,
    backend: Backend,
    calendar: &Calendar,
    bounds: Bounds,
) -> Result<(Vec<Days>, i64), StoreError> {
    let family = family(backend, "subject");
    let sql = format!(
        "SELECT {family} AS family, window_kind AS kind, window_start AS start, COUNT(*) AS n \
         FROM counters WHERE meter IN ('GENERATIONS', 'MICROUSD') GROUP BY 1, 2, 3"
    );
    let found: Vec<Row> = rows(&**tx, &sql, []).await?;
    let mut windows = Vec::new();
    let mut skipped = 0;
    for row in found {
        match days(&row, calendar, bounds) {
            Some(window) => windows.push(window),
            None => skipped += row.n,
        }
    }
    Ok((windows, skipped))
}

fn days(row: &Row, calendar: &Calendar, bounds: Bounds) -> Option<Days> {
    let kind = WindowKind::parse(&row.kind)?;
    let window = calendar.containing(kind, Timestamp(row.start));
    // What was used before there was a ledger, or by another calendar, cannot be told.
    if row.start < bounds.since || window.start.micros() != row.start {
        return None;
    }
    let (first, last) = match kind {
        WindowKind::Lifetime => (0, i32::MAX),
        WindowKind::Day | WindowKind::Month => {
            let last = Timestamp(window.reset.micros().saturating_sub(1));
            (calendar.day(window.start), calendar.day(last))
        }
    };
    Some(Days {
        family: row.family.clone(),
        kind: row.kind.clone(),
        start: row.start,
        first,
        last,
        reset: window.reset.micros(),
    })
}

//! Alerts as rows: each happening once.

use std::collections::BTreeMap;

use sea_orm::ConnectionTrait;
use serde::Serialize;
use types::Timestamp;
use uuid::Uuid;

use super::error::StoreError;
use super::row_set::{self, Column, Kind};
use crate::domain::alert::Alert;

const SET: &[Column] = &[
    ("id", Kind::Id),
    ("kind", Kind::Text),
    ("dedupe", Kind::Text),
    ("message", Kind::Text),
    ("budget_id", Kind::Id),
    ("percent", Kind::Number),
    ("amount", Kind::Number),
    ("units", Kind::Number),
    ("window_start", Kind::Number),
    ("created_at", Kind::Number),
];

#[derive(Serialize)]
struct Row<'a> {
    id: Uuid,
    kind: &'static str,
    dedupe: &'a str,
    message: &'a str,
    budget_id: Option<Uuid>,
    percent: i32,
    amount: i64,
    units: i64,
    window_start: Option<Timestamp>,
    created_at: Timestamp,
}

/// Writes alerts that did not go off before, to be delivered at once.
pub async fn insert(connection: &impl ConnectionTrait, alerts: &[Alert]) -> Result<(), StoreError> {
    if alerts.is_empty() {
        return Ok(());
    }
    // Sorted, so that two transactions with the same alerts wait for each other in one order.
    let once: BTreeMap<&str, &Alert> = (alerts.iter().rev())
        .map(|alert| (alert.dedupe.as_str(), alert))
        .collect();
    let rows: Vec<Row<'_>> = once.into_values().map(row).collect();
    let given = row_set::table(row_set::backend_of(connection), SET);
    let columns =
        "id, kind, dedupe, message, budget_id, percent, amount, units, window_start, created_at";
    let sql = format!(
        "INSERT INTO alerts ({columns}, next_try_at, tries, acknowledged_by)
         SELECT {columns}, created_at, 0, '' FROM {given} WHERE TRUE
         ON CONFLICT (dedupe) DO NOTHING"
    );
    let statement = row_set::statement(connection, sql, &rows)?;
    connection.execute_raw(statement).await?;
    Ok(())
}

fn row(alert: &Alert) -> Row<'_> {
    Row {
        id: alert.id,
        kind: alert.kind.as_str(),
        dedupe: &alert.dedupe,
        message: &alert.message,
        budget_id: alert.budget,
        percent: alert.percent,
        amount: alert.amount,
        units: alert.limit,
        window_start: alert.window_start,
        created_at: alert.created_at,
    }
}

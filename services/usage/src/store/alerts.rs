//! Alerts as rows: each happening once.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, Statement, Value};
use types::Timestamp;

use super::error::StoreError;
use crate::domain::alert::Alert;

const MADE: &str =
    "INSERT INTO alerts (id, kind, dedupe, message, budget_id, percent, amount, units,
        window_start, created_at, next_try_at, tries, acknowledged_by)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, 0, '') ON CONFLICT (dedupe) DO NOTHING";

/// Writes alerts that did not go off before, to be delivered at once.
pub async fn insert(connection: &impl ConnectionTrait, alerts: &[Alert]) -> Result<(), StoreError> {
    // Sorted, so that two transactions with the same alerts wait for each other in one order.
    let once: BTreeMap<&str, &Alert> = (alerts.iter().rev())
        .map(|alert| (alert.dedupe.as_str(), alert))
        .collect();
    for alert in once.into_values() {
        let values: [Value; 10] = [
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
        let backend = connection.get_database_backend();
        let statement = Statement::from_sql_and_values(backend, MADE, values);
        connection.execute_raw(statement).await?;
    }
    Ok(())
}

//! Writes what the clerk decided: a statement for each table, always in the same order.

use sea_orm::ConnectionTrait;

use crate::domain::clerk::Writes;
use crate::store::error::StoreError;
use crate::store::{alerts, counters, ledger, reservations, sums};

/// Writes everything, and says whether the ground was still as it was read.
pub async fn write(
    connection: &impl ConnectionTrait,
    writes: &Writes,
    shard: u32,
) -> Result<bool, StoreError> {
    let is_ground_firm = reservations::insert(connection, &writes.lines).await?
        && reservations::update(connection, &writes.lines).await?
        && counters::update(connection, &writes.counts).await?;
    if !is_ground_firm {
        return Ok(false);
    }
    if !writes.entries.is_empty() {
        ledger::insert(connection, &writes.entries).await?;
        ledger::balance(connection, &writes.entries, shard).await?;
        sums::add_days(connection, &writes.entries).await?;
        sums::add_minutes(connection, &writes.entries, shard).await?;
    }
    alerts::insert(connection, &writes.alerts).await?;
    Ok(true)
}

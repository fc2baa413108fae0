//! Writes what the clerk decided, always in the same order.

use sea_orm::ConnectionTrait;

use crate::domain::clerk::Writes;
use crate::store::error::StoreError;
use crate::store::rules::audit;
use crate::store::{alerts, counters, ledger, reservations, sums};
use database::row_set;

/// Writes everything, and says whether the ground was still as it was read.
pub async fn write(
    connection: &impl ConnectionTrait,
    writes: &Writes,
    shard: u32,
) -> Result<bool, StoreError> {
    let entries = &writes.entries;
    let changes = [
        reservations::made(&writes.lines)?,
        reservations::changed(&writes.lines)?,
        counters::moved(&writes.counts),
        ledger::rows(entries),
        ledger::balances(entries, shard),
        sums::days(entries),
        sums::minutes(entries, shard),
    ];
    if !row_set::make(connection, changes).await? {
        return Ok(false);
    }
    alerts::insert(connection, &writes.alerts).await?;
    for event in &writes.events {
        audit::insert(connection, event).await?;
    }
    Ok(true)
}

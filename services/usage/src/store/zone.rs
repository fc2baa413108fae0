//! The time zone the books are counted by: windows and days that are recorded belong to it.

use database::Database;

use super::rules::change::{execute, query};
use crate::domain::error::Error;
use crate::store::error::StoreError;

/// The zone these books are counted by; none while nobody started on them.
///
/// # Errors
/// The database does not answer.
pub async fn of_books(db: &Database) -> Result<Option<String>, Error> {
    let rows = query(db.write(), "SELECT time_zone FROM rules_version", []).await?;
    let row = rows.first();
    let row = row.ok_or(StoreError::Corrupt("the rules have no version"))?;
    let zone: String = row.try_get("", "time_zone").map_err(StoreError::from)?;
    Ok(Some(zone).filter(|zone| !zone.is_empty()))
}

/// Counts by this zone from now on, if by none yet; gives the one that counts.
///
/// # Errors
/// The database does not answer.
pub async fn settle_on(db: &Database, zone: &str) -> Result<String, Error> {
    let sql = "UPDATE rules_version SET time_zone = $1 WHERE time_zone = ''";
    execute(db.write(), sql, [zone.into()]).await?;
    Ok(of_books(db).await?.unwrap_or_default())
}

/// Counts by this zone from now on, whatever it was before.
///
/// # Errors
/// The database does not answer.
pub async fn change(db: &Database, zone: &str) -> Result<(), Error> {
    let sql = "UPDATE rules_version SET time_zone = $1, version = version + 1";
    execute(db.write(), sql, [zone.into()]).await?;
    Ok(())
}

//! The back room: rows of files and uploads, in SQLite or PostgreSQL.

pub mod entity;
mod error;
mod files;
mod ledger;
mod migration;
mod uploads;

use database::Database;
use ledger::Ledger;

pub use files::Files;
pub use migration::Migrator;
pub use uploads::UploadRows;

/// The tables in this database: files, and what is not visible.
#[must_use]
pub fn open(database: &Database) -> (Files, UploadRows) {
    let ledger = Ledger::open(database);
    let uploads = UploadRows::new(database.clone(), ledger.clone());
    (Files::new(database.clone(), ledger), uploads)
}

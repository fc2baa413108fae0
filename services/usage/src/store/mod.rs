//! The back room: the books in SQL.

mod error;
mod migration;
mod retry;

use database::Database;

pub use migration::Migrator;

/// The books, in SQLite or PostgreSQL. Several processes may share one PostgreSQL database.
#[derive(Debug, Clone)]
pub struct SqlBook {
    db: Database,
}

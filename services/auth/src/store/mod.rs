//! The back room: tables and queries. Driver errors end here.

mod api_keys;
mod entity;
mod error;
mod failures;
mod keys;
mod migration;
mod sessions;
mod tokens;
mod user_admin;
mod users;

use std::sync::Arc;

use database::Database;

pub use migration::Migrator;

/// Everything auth keeps, in one database.
#[derive(Clone)]
pub struct Store {
    database: Arc<Database>,
}

impl Store {
    /// Keeps in this database.
    #[must_use]
    pub fn new(database: Arc<Database>) -> Self {
        Self { database }
    }
}

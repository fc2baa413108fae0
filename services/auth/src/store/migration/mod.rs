//! The schema's history, oldest first. A migration that shipped is never changed.

mod m0001_accounts;
mod m0002_sessions;
mod m0003_signing_keys;
mod m0004_login_failures;
mod m0005_plans;
mod m0006_api_keys;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

/// Applies and reverts the schema of auth.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_accounts::Migration),
            Box::new(m0002_sessions::Migration),
            Box::new(m0003_signing_keys::Migration),
            Box::new(m0004_login_failures::Migration),
            Box::new(m0005_plans::Migration),
            Box::new(m0006_api_keys::Migration),
        ]
    }
}

//! How the tables came to be, one step a file.

mod m0001_generations;
mod m0002_money;
mod m0003_attempts;
mod m0004_webhooks;
mod m0005_queue;
mod m0006_idempotency;
mod m0009_providers;
mod m0010_routing;
mod m0011_batches;
mod m0012_results;
mod m0013_moderation;
mod m0014_strays;
mod m0015_off_peak;
mod m0016_chores;
mod m0017_outbox;
mod m0018_mail;
mod m0019_results;

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager};

/// Every step, in order.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_generations::Migration),
            Box::new(m0002_money::Migration),
            Box::new(m0003_attempts::Migration),
            Box::new(m0004_webhooks::Migration),
            Box::new(m0005_queue::STEP),
            Box::new(m0006_idempotency::STEP),
            Box::new(m0009_providers::STEP),
            Box::new(m0010_routing::STEP),
            Box::new(m0011_batches::STEP),
            Box::new(m0012_results::STEP),
            Box::new(m0013_moderation::STEP),
            Box::new(m0014_strays::STEP),
            Box::new(m0015_off_peak::STEP),
            Box::new(m0016_chores::STEP),
            Box::new(m0017_outbox::STEP),
            Box::new(m0018_mail::STEP),
            Box::new(m0019_results::STEP),
        ]
    }
}

/// A step that is the same on both engines but for the names of two types: `{uuid}` and `{bytes}`.
struct Step {
    name: &'static str,
    up: &'static str,
    down: &'static str,
}

impl MigrationName for Step {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    // SQLite runs a migration outside a transaction unless it is told.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, self.up).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, self.down).await
    }
}

async fn run(manager: &SchemaManager<'_>, script: &str) -> Result<(), DbErr> {
    let (uuid, bytes) = match manager.get_database_backend() {
        DbBackend::Postgres => ("UUID", "BYTEA"),
        _ => ("BLOB", "BLOB"),
    };
    let script = script.replace("{uuid}", uuid).replace("{bytes}", bytes);
    let connection = manager.get_connection();
    connection.execute_unprepared(&script).await.map(drop)
}

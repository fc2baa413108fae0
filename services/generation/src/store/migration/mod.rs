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

use sea_orm_migration::async_trait;
use sea_orm_migration::{MigrationTrait, MigratorTrait};

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
            Box::new(m0005_queue::Migration),
            Box::new(m0006_idempotency::Migration),
            Box::new(m0009_providers::Migration),
            Box::new(m0010_routing::Migration),
            Box::new(m0011_batches::Migration),
            Box::new(m0012_results::Migration),
            Box::new(m0013_moderation::Migration),
            Box::new(m0014_strays::Migration),
        ]
    }
}

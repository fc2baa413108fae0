//! The steps that lead to today's tables, in order.

mod m0001_reservations;

use sea_orm_migration::prelude::*;

/// Runs the service's migrations.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m0001_reservations::Step)]
    }
}

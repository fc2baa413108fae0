//! The steps that lead to today's tables, in order.

mod m0001_reservations;
mod m0002_books;
mod m0003_ledger;
mod m0004_rules;
mod m0005_care;
mod m0006_guards;
mod m0007_time_zone;

use sea_orm_migration::prelude::*;

/// Runs the service's migrations.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_reservations::Step),
            Box::new(m0002_books::Step),
            Box::new(m0003_ledger::Step),
            Box::new(m0004_rules::Step),
            Box::new(m0005_care::Step),
            Box::new(m0006_guards::Step),
            Box::new(m0007_time_zone::Step),
        ]
    }
}

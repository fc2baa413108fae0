//! The schema's steps, oldest first. A step that was released is never edited.

mod m0001_files;

use sea_orm_migration::{MigrationTrait, MigratorTrait, async_trait};

/// Brings a database to the schema this service speaks.
#[derive(Debug, Clone, Copy)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m0001_files::Migration)]
    }
}

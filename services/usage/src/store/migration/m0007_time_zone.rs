//! The books remember by whose days they count; providers that did work are found by name.

use sea_orm_migration::prelude::*;

/// The step.
pub struct Step;

impl MigrationName for Step {
    fn name(&self) -> &'static str {
        "m0007_time_zone"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    // SQLite runs a migration outside a transaction unless it is told.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(UP).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(DOWN).await?;
        Ok(())
    }
}

// Whoever starts first on these books writes down the zone they are counted by.
const UP: &str = r"
ALTER TABLE rules_version ADD COLUMN time_zone TEXT NOT NULL DEFAULT '';
CREATE INDEX usage_daily_provider ON usage_daily (provider);
";

const DOWN: &str = r"
DROP INDEX usage_daily_provider;
ALTER TABLE rules_version DROP COLUMN time_zone;
";

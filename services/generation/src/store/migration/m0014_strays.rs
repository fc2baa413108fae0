//! When an order nobody waits for is next asked to stop.

use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0014_strays"
    }
}

const UP: [&str; 2] = [
    "ALTER TABLE attempts ADD COLUMN stop_at BIGINT",
    "CREATE INDEX attempts_stop ON attempts (stop_at) WHERE stop_at IS NOT NULL",
];

const DOWN: [&str; 2] = [
    "DROP INDEX attempts_stop",
    "ALTER TABLE attempts DROP COLUMN stop_at",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in UP {
            let connection = manager.get_connection();
            connection.execute_unprepared(statement).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in DOWN {
            let connection = manager.get_connection();
            connection.execute_unprepared(statement).await?;
        }
        Ok(())
    }
}

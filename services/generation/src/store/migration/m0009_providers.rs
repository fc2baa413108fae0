//! What all processes know of providers: how they are, and when the next order may leave.

use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0009_providers"
    }
}

const UP: &str = "
CREATE TABLE providers (
    name TEXT NOT NULL PRIMARY KEY,
    failures BIGINT NOT NULL DEFAULT 0 CHECK (failures >= 0),
    cool_until BIGINT NOT NULL DEFAULT 0,
    probe_until BIGINT NOT NULL DEFAULT 0,
    next_at BIGINT NOT NULL DEFAULT 0
)";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(UP).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection
            .execute_unprepared("DROP TABLE providers")
            .await?;
        Ok(())
    }
}

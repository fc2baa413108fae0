//! Orders that came together, and which generations came of them.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0011_batches"
    }
}

const UP: &str = "
CREATE TABLE batches (
    id {uuid} NOT NULL PRIMARY KEY,
    owner {uuid} NOT NULL,
    items TEXT NOT NULL,
    running BIGINT NOT NULL CHECK (running >= 0),
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    CHECK ((running = 0) = (ended_at IS NOT NULL))
);
ALTER TABLE tasks ADD COLUMN batch_id {uuid};
CREATE INDEX tasks_of_batch ON tasks (batch_id) WHERE batch_id IS NOT NULL;
";

const DOWN: [&str; 3] = [
    "DROP INDEX tasks_of_batch",
    "ALTER TABLE tasks DROP COLUMN batch_id",
    "DROP TABLE batches",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let uuid = match connection.get_database_backend() {
            DbBackend::Postgres => "UUID",
            _ => "BLOB",
        };
        let script = UP.replace("{uuid}", uuid);
        connection.execute_unprepared(&script).await?;
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

//! Results that may be given again.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0012_results"
    }
}

const UP: &str = "
CREATE TABLE results (
    owner {uuid} NOT NULL,
    name {bytes} NOT NULL,
    task_id {uuid} NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    made_at BIGINT NOT NULL,
    PRIMARY KEY (owner, name)
);
CREATE INDEX results_of_task ON results (task_id);
ALTER TABLE tasks ADD COLUMN result_key {bytes};
ALTER TABLE tasks ADD COLUMN cached BOOLEAN NOT NULL DEFAULT FALSE;
";

const DOWN: [&str; 3] = [
    "ALTER TABLE tasks DROP COLUMN cached",
    "ALTER TABLE tasks DROP COLUMN result_key",
    "DROP TABLE results",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let (uuid, bytes) = match connection.get_database_backend() {
            DbBackend::Postgres => ("UUID", "BYTEA"),
            _ => ("BLOB", "BLOB"),
        };
        let script = UP.replace("{uuid}", uuid).replace("{bytes}", bytes);
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

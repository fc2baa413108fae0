//! The keys that clients named their calls by.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0006_idempotency"
    }
}

const TABLE: &str = "
CREATE TABLE idempotency_keys (
    owner {uuid} NOT NULL,
    name TEXT NOT NULL,
    request {bytes} NOT NULL,
    subject {uuid} NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (owner, name)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (expires_at);
";

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
        let script = TABLE.replace("{uuid}", uuid).replace("{bytes}", bytes);
        connection.execute_unprepared(&script).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let dropped = connection.execute_unprepared("DROP TABLE idempotency_keys");
        dropped.await.map(|_| ())
    }
}

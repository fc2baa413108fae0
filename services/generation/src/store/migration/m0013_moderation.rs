//! What was refused, and what an admin allowed after all.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0013_moderation"
    }
}

const TABLE: &str = "
CREATE TABLE moderation_decisions (
    id {uuid} NOT NULL PRIMARY KEY,
    owner {uuid} NOT NULL,
    digest {bytes} NOT NULL,
    prompt TEXT NOT NULL,
    rule TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    allowed_by TEXT,
    allowed_at BIGINT,
    note TEXT,
    UNIQUE (owner, digest),
    CHECK ((allowed_by IS NULL) = (allowed_at IS NULL))
);
CREATE INDEX moderation_decisions_by_age ON moderation_decisions (created_at)
    WHERE allowed_at IS NULL;
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
        let dropped = connection.execute_unprepared("DROP TABLE moderation_decisions");
        dropped.await.map(|_| ())
    }
}

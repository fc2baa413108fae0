//! Where users' events are sent, and what was sent.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0004_webhooks"
    }
}

const TABLES: &str = "
CREATE TABLE webhooks (
    id {uuid} NOT NULL PRIMARY KEY,
    owner {uuid} NOT NULL,
    url TEXT NOT NULL,
    event_types TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    disabled_reason TEXT,
    seed {bytes} NOT NULL,
    previous_seed {bytes},
    previous_until BIGINT,
    failures BIGINT NOT NULL DEFAULT 0 CHECK (failures >= 0),
    failing_since BIGINT,
    free_at BIGINT NOT NULL DEFAULT 0,
    fence BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK ((previous_seed IS NULL) = (previous_until IS NULL)),
    CHECK ((failures = 0) = (failing_since IS NULL))
);
CREATE INDEX webhooks_of_owner ON webhooks (owner, id);
CREATE TABLE deliveries (
    id {uuid} NOT NULL PRIMARY KEY,
    webhook_id {uuid} NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    task_id {uuid},
    body TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    tries BIGINT NOT NULL DEFAULT 0,
    due_at BIGINT NOT NULL,
    last_status BIGINT,
    last_error TEXT,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    CHECK ((state = 'pending') = (ended_at IS NULL)),
    CONSTRAINT deliveries_event_once UNIQUE (webhook_id, event_id)
);
-- The postman looks at what is pending only, however much was sent.
CREATE INDEX deliveries_due ON deliveries (webhook_id, due_at) WHERE state = 'pending';
CREATE INDEX deliveries_of_webhook ON deliveries (webhook_id, id);
CREATE INDEX deliveries_by_age ON deliveries (created_at);
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
        let script = TABLES.replace("{uuid}", uuid).replace("{bytes}", bytes);
        connection.execute_unprepared(&script).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for table in ["deliveries", "webhooks"] {
            let statement = format!("DROP TABLE {table}");
            connection.execute_unprepared(&statement).await?;
        }
        Ok(())
    }
}

//! What a task was accepted at and what became of it; what was really used, told with the calls.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0002_money"
    }
}

const TASKS: [&str; 5] = [
    "ALTER TABLE tasks ADD COLUMN price_microusd BIGINT CHECK (price_microusd >= 0)",
    "ALTER TABLE tasks ADD COLUMN price_version TEXT",
    "ALTER TABLE tasks ADD COLUMN reservation_lost BOOLEAN NOT NULL DEFAULT FALSE",
    "ALTER TABLE tasks ADD COLUMN resolution TEXT",
    // What has ended by now held no money.
    r#"UPDATE tasks SET resolution =
        CASE status WHEN 'completed' THEN '{"settle":{}}' ELSE '"release"' END
    WHERE status IN ('completed', 'failed', 'cancelled')"#,
];

// A table is made anew because SQLite cannot change a CHECK.
const OUTBOX: &str = "
ALTER TABLE outbox RENAME TO outbox_before;
CREATE TABLE outbox (
    id {uuid} NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ({kinds})),
    {actuals}
    reservation_id {uuid} NOT NULL,
    task_id {uuid} NOT NULL,
    due_at BIGINT NOT NULL,
    tries BIGINT NOT NULL DEFAULT 0,
    UNIQUE (task_id, kind)
);
INSERT INTO outbox (id, kind, reservation_id, task_id, due_at, tries)
    SELECT id, {kind}, reservation_id, task_id, due_at, tries FROM outbox_before;
DROP TABLE outbox_before;
CREATE INDEX outbox_due ON outbox (due_at);
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for statement in TASKS {
            connection.execute_unprepared(statement).await?;
        }
        let kinds = "'confirm', 'settle', 'release', 'suspend'";
        rebuild(
            manager,
            kinds,
            "actuals TEXT CHECK (actuals IS NULL OR kind = 'settle'),",
            "kind",
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Before, nobody knew of suspense: what may have been paid went back.
        let kind = "CASE kind WHEN 'suspend' THEN 'release' ELSE kind END";
        rebuild(manager, "'confirm', 'settle', 'release'", "", kind).await?;
        let connection = manager.get_connection();
        for column in [
            "resolution",
            "reservation_lost",
            "price_version",
            "price_microusd",
        ] {
            let statement = format!("ALTER TABLE tasks DROP COLUMN {column}");
            connection.execute_unprepared(&statement).await?;
        }
        Ok(())
    }
}

async fn rebuild(
    manager: &SchemaManager<'_>,
    kinds: &str,
    actuals: &str,
    kind: &str,
) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    let uuid = match connection.get_database_backend() {
        DbBackend::Postgres => "UUID",
        _ => "BLOB",
    };
    let script = (OUTBOX.replace("{uuid}", uuid))
        .replace("{kinds}", kinds)
        .replace("{actuals}", actuals)
        .replace("{kind}", kind);
    connection.execute_unprepared(&script).await?;
    Ok(())
}

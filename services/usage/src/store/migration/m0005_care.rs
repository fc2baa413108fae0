//! What the caretaker remembers: since when the ledger is whole, what was done when, whether the
//! breaker may trip, and where in the schedule an alert is.

use sea_orm::DbBackend;
use sea_orm_migration::prelude::*;

/// The step.
pub struct Step;

impl MigrationName for Step {
    fn name(&self) -> &'static str {
        "m0005_care"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    // SQLite runs a migration outside a transaction unless it is told.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let now = match manager.get_database_backend() {
            DbBackend::Postgres => "(extract(epoch from now()) * 1000000)::bigint",
            _ => "unixepoch() * 1000000",
        };
        // Where units were counted before there was a ledger, older windows cannot be summed again.
        let since = format!(
            "INSERT INTO ledger_bounds SELECT 1, CASE WHEN EXISTS
               (SELECT 1 FROM counters WHERE used > 0 OR held > 0) THEN {now} ELSE 0 END, 0"
        );
        for sql in [UP, &since] {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(DOWN).await?;
        Ok(())
    }
}

const UP: &str = r"
ALTER TABLE alerts ADD COLUMN tries_before INTEGER NOT NULL DEFAULT 0;
CREATE TABLE chores (
    name TEXT NOT NULL PRIMARY KEY,
    done_at BIGINT NOT NULL,
    outcome TEXT NOT NULL
);
CREATE TABLE breaker (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    armed INTEGER NOT NULL CHECK (armed IN (0, 1))
);
INSERT INTO breaker VALUES (1, 1);
CREATE TABLE ledger_bounds (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    since BIGINT NOT NULL,
    horizon BIGINT NOT NULL
);
";

const DOWN: &str = r"
DROP TABLE ledger_bounds;
DROP TABLE breaker;
DROP TABLE chores;
ALTER TABLE alerts DROP COLUMN tries_before;
";

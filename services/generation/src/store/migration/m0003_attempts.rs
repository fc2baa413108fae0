//! What attempts took, as far as it is known; and the tasks whose money waits for somebody to know.

use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0003_attempts"
    }
}

const UP: [&str; 7] = [
    "ALTER TABLE attempts ADD COLUMN tokens BIGINT CHECK (tokens >= 0)",
    "ALTER TABLE attempts ADD COLUMN resolved_at BIGINT",
    "ALTER TABLE attempts ADD COLUMN resolved_by TEXT",
    "ALTER TABLE attempts ADD COLUMN note TEXT",
    // An answer that was no result, and named no cost, was written down as if it had cost nothing.
    r#"UPDATE attempts SET state = 'unknown'
    WHERE state = 'failed' AND error_class = 'invalid_output' AND cost_microusd IS NULL
        AND task_id IN (SELECT id FROM tasks WHERE resolution = '"suspend"')"#,
    "DROP INDEX attempts_unknown",
    // What an operator must look at.
    r#"CREATE INDEX tasks_suspended ON tasks (id) WHERE resolution = '"suspend"'"#,
];

const DOWN: [&str; 6] = [
    "DROP INDEX tasks_suspended",
    "CREATE INDEX attempts_unknown ON attempts (task_id) WHERE state = 'unknown'",
    "ALTER TABLE attempts DROP COLUMN note",
    "ALTER TABLE attempts DROP COLUMN resolved_by",
    "ALTER TABLE attempts DROP COLUMN resolved_at",
    "ALTER TABLE attempts DROP COLUMN tokens",
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

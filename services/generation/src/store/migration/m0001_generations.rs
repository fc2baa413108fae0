//! Tasks, what they made, their attempts and events, and the calls owed to the usage service.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0001_generations"
    }
}

const TASKS: &str = "
CREATE TABLE tasks (
    id {uuid} NOT NULL PRIMARY KEY,
    owner {uuid} NOT NULL,
    tier TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('image')),
    status TEXT NOT NULL
        CHECK (status IN ('pending', 'processing', 'completed', 'failed', 'cancelled')),
    request TEXT NOT NULL,
    session_id {uuid},
    reservation_id {uuid} CONSTRAINT tasks_reservation_once UNIQUE,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    ignored TEXT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    cost_microusd BIGINT NOT NULL DEFAULT 0 CHECK (cost_microusd >= 0),
    progress BIGINT NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
    failure_reason TEXT,
    failure_message TEXT,
    run_at BIGINT NOT NULL,
    fence BIGINT NOT NULL DEFAULT 0,
    lease_until BIGINT,
    worker TEXT,
    keeping BOOLEAN NOT NULL DEFAULT FALSE,
    last_sequence BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    completed_at BIGINT,
    CHECK ((status = 'processing') = (lease_until IS NOT NULL)),
    CHECK (status = 'processing' OR NOT keeping),
    CHECK ((status = 'failed') = (failure_reason IS NOT NULL)),
    CHECK ((status IN ('completed', 'failed', 'cancelled')) = (completed_at IS NOT NULL))
);
-- Claims look at living rows only, however many are finished.
CREATE INDEX tasks_due ON tasks (run_at, id) WHERE status = 'pending';
CREATE INDEX tasks_leased ON tasks (lease_until) WHERE status = 'processing';
CREATE INDEX tasks_of_owner ON tasks (owner, id);
CREATE INDEX tasks_of_owner_by_status ON tasks (owner, status, id);
CREATE INDEX tasks_of_session ON tasks (owner, session_id, id) WHERE session_id IS NOT NULL;
";

const OF_TASKS: &str = "
CREATE TABLE outputs (
    task_id {uuid} NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    place BIGINT NOT NULL,
    file_id {uuid} NOT NULL,
    content_type TEXT NOT NULL,
    width BIGINT NOT NULL,
    height BIGINT NOT NULL,
    PRIMARY KEY (task_id, place)
);
CREATE TABLE attempts (
    task_id {uuid} NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('planned', 'sent', 'accepted', 'succeeded', 'failed', 'unknown')),
    job TEXT,
    price_microusd BIGINT NOT NULL CHECK (price_microusd >= 0),
    cost_microusd BIGINT CHECK (cost_microusd >= 0),
    error_class TEXT,
    error_detail TEXT,
    created_at BIGINT NOT NULL,
    sent_at BIGINT,
    ended_at BIGINT,
    PRIMARY KEY (task_id, number),
    CHECK (state <> 'accepted' OR job IS NOT NULL),
    CHECK ((state IN ('succeeded', 'failed', 'unknown')) = (ended_at IS NOT NULL))
);
-- What an operator must look at.
CREATE INDEX attempts_unknown ON attempts (task_id) WHERE state = 'unknown';
CREATE TABLE events (
    task_id {uuid} NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    sequence BIGINT NOT NULL CHECK (sequence > 0),
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    progress BIGINT NOT NULL,
    message TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (task_id, sequence)
);
CREATE TABLE outbox (
    id {uuid} NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('confirm', 'settle', 'release')),
    reservation_id {uuid} NOT NULL,
    task_id {uuid} NOT NULL,
    due_at BIGINT NOT NULL,
    tries BIGINT NOT NULL DEFAULT 0,
    UNIQUE (task_id, kind)
);
CREATE INDEX outbox_due ON outbox (due_at);
";

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
        for script in [TASKS, OF_TASKS] {
            connection
                .execute_unprepared(&script.replace("{uuid}", uuid))
                .await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for table in ["outbox", "events", "attempts", "outputs", "tasks"] {
            connection
                .execute_unprepared(&format!("DROP TABLE {table}"))
                .await?;
        }
        Ok(())
    }
}

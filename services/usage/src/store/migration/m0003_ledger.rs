//! The ledger, its balances, and the sums that reports are answered from.
//!
//! On PostgreSQL the ledger is partitioned by the month of `created_at`: old months are dropped, not
//! deleted, and their sums stay in `openings`. A default partition takes what no month takes yet.

use sea_orm::DbBackend;
use sea_orm_migration::prelude::*;

/// The step.
pub struct Step;

impl MigrationName for Step {
    fn name(&self) -> &'static str {
        "m0003_ledger"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    // SQLite runs a migration outside a transaction unless it is told.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let (partitions, guard) = match manager.get_database_backend() {
            DbBackend::Postgres => (" PARTITION BY RANGE (created_at)", GUARD_POSTGRES),
            _ => ("", GUARD_SQLITE),
        };
        let entries = format!("{ENTRIES}{partitions};");
        for sql in [entries.as_str(), guard, REST] {
            connection.execute_unprepared(sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for table in [
            "entries",
            "openings",
            "accounts",
            "usage_daily",
            "spend_minutes",
        ] {
            let sql = format!("DROP TABLE {table}");
            connection.execute_unprepared(&sql).await?;
        }
        if manager.get_database_backend() == DbBackend::Postgres {
            let sql = "DROP FUNCTION entries_stay()";
            connection.execute_unprepared(sql).await?;
        }
        Ok(())
    }
}

const ENTRIES: &str = r"
CREATE TABLE entries (
    id UUID NOT NULL,
    created_at BIGINT NOT NULL,
    day INTEGER NOT NULL,
    kind TEXT NOT NULL CONSTRAINT entries_kind
        CHECK (kind IN ('charge', 'loss', 'suspense', 'unsuspense', 'adjustment')),
    debit TEXT NOT NULL,
    credit TEXT NOT NULL,
    amount BIGINT NOT NULL CONSTRAINT entries_amount CHECK (amount >= 0),
    reservation_id UUID NOT NULL,
    owner UUID NOT NULL,
    tier TEXT NOT NULL,
    work TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    project TEXT NOT NULL,
    api_key TEXT NOT NULL,
    task_id TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    units BIGINT NOT NULL,
    tokens BIGINT NOT NULL,
    price_version TEXT NOT NULL,
    note TEXT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (id, created_at),
    CONSTRAINT entries_move CHECK (debit <> credit)
)";

// Corrections are new rows; nobody changes a row that is written.
const GUARD_POSTGRES: &str = r"
CREATE TABLE entries_default PARTITION OF entries DEFAULT;
CREATE FUNCTION entries_stay() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN RAISE EXCEPTION ''the ledger is append-only''; END';
CREATE TRIGGER entries_stay BEFORE UPDATE OR DELETE ON entries FOR EACH ROW EXECUTE FUNCTION entries_stay();
";
const GUARD_SQLITE: &str = r"
CREATE TRIGGER entries_stay_update BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER entries_stay_delete BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
";

// SQLite turns a sum that is too large into a fraction instead of refusing it, so balances are bounded.
const REST: &str = r"
CREATE INDEX entries_owner ON entries (owner, id);
CREATE INDEX entries_reservation ON entries (reservation_id);
CREATE INDEX entries_adjustments ON entries (id) WHERE kind = 'adjustment';
CREATE TABLE openings (
    account TEXT NOT NULL PRIMARY KEY,
    debits BIGINT NOT NULL CHECK (debits >= 0),
    credits BIGINT NOT NULL CHECK (credits >= 0)
);
CREATE TABLE accounts (
    account TEXT NOT NULL,
    shard INTEGER NOT NULL,
    debits BIGINT NOT NULL CONSTRAINT accounts_debits CHECK (debits BETWEEN 0 AND 9223372036854775807),
    credits BIGINT NOT NULL CONSTRAINT accounts_credits CHECK (credits BETWEEN 0 AND 9223372036854775807),
    PRIMARY KEY (account, shard)
);
CREATE TABLE usage_daily (
    day INTEGER NOT NULL,
    owner UUID NOT NULL,
    tier TEXT NOT NULL,
    work TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    project TEXT NOT NULL,
    api_key TEXT NOT NULL,
    records BIGINT NOT NULL,
    units BIGINT NOT NULL,
    tokens BIGINT NOT NULL,
    charged BIGINT NOT NULL,
    loss BIGINT NOT NULL,
    PRIMARY KEY (owner, day, tier, work, provider, model, project, api_key)
);
CREATE INDEX usage_daily_day ON usage_daily (day);
CREATE TABLE spend_minutes (
    minute BIGINT NOT NULL,
    shard INTEGER NOT NULL,
    microusd BIGINT NOT NULL,
    PRIMARY KEY (minute, shard)
);
";

//! What operators write: plans, budgets, prices, pauses; alerts that went off; who changed what.

use sea_orm_migration::prelude::*;

/// The step.
pub struct Step;

impl MigrationName for Step {
    fn name(&self) -> &'static str {
        "m0004_rules"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    // SQLite runs a migration outside a transaction unless it is told.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(UP).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            "audit",
            "alerts",
            "pauses",
            "prices",
            "budgets",
            "plans",
            "rules_version",
        ] {
            let sql = format!("DROP TABLE {table}");
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        Ok(())
    }
}

const UP: &str = r"
CREATE TABLE rules_version (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    version BIGINT NOT NULL
);
INSERT INTO rules_version VALUES (1, 1);
CREATE TABLE plans (
    name TEXT NOT NULL PRIMARY KEY,
    limits TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_by TEXT NOT NULL
);
CREATE TABLE budgets (
    id UUID NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    scope_type TEXT NOT NULL,
    scope_value TEXT NOT NULL,
    meter TEXT NOT NULL,
    window_kind TEXT NOT NULL,
    units BIGINT NOT NULL CONSTRAINT budgets_units CHECK (units >= 0),
    is_hard BOOLEAN NOT NULL,
    alert_percents TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_by TEXT NOT NULL,
    CONSTRAINT budgets_once UNIQUE (scope_type, scope_value, meter, window_kind)
);
CREATE TABLE prices (
    id UUID NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    unit TEXT NOT NULL,
    size TEXT NOT NULL,
    quality TEXT NOT NULL,
    price BIGINT NOT NULL CONSTRAINT prices_price CHECK (price >= 0),
    as_of TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    retired_at BIGINT,
    created_by TEXT NOT NULL,
    retired_by TEXT
);
CREATE UNIQUE INDEX prices_in_force ON prices (provider, model, unit, size, quality) WHERE retired_at IS NULL;
CREATE TABLE pauses (
    id UUID NOT NULL PRIMARY KEY,
    reason TEXT NOT NULL,
    paused_at BIGINT NOT NULL,
    paused_by TEXT NOT NULL,
    resumed_at BIGINT,
    resumed_by TEXT
);
CREATE TABLE alerts (
    id UUID NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    dedupe TEXT NOT NULL UNIQUE,
    message TEXT NOT NULL,
    budget_id UUID,
    percent INTEGER NOT NULL,
    amount BIGINT NOT NULL,
    units BIGINT NOT NULL,
    window_start BIGINT,
    created_at BIGINT NOT NULL,
    next_try_at BIGINT,
    tries INTEGER NOT NULL,
    delivered_at BIGINT,
    acknowledged_at BIGINT,
    acknowledged_by TEXT NOT NULL
);
CREATE INDEX alerts_due ON alerts (next_try_at) WHERE next_try_at IS NOT NULL;
CREATE INDEX alerts_budget ON alerts (budget_id, id);
CREATE TABLE audit (
    id UUID NOT NULL PRIMARY KEY,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    actor TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
";

//! How an order is routed, and how long providers take.

use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0010_routing"
    }
}

const UP: &str = "
ALTER TABLE tasks ADD COLUMN route TEXT;
-- Several shards, so that tasks which end at once do not wait for each other.
CREATE TABLE provider_stats (
    day BIGINT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    class BIGINT NOT NULL,
    shard BIGINT NOT NULL,
    count BIGINT NOT NULL CHECK (count >= 0),
    failures BIGINT NOT NULL CHECK (failures BETWEEN 0 AND count),
    cost_microusd BIGINT NOT NULL,
    PRIMARY KEY (day, provider, model, class, shard)
);
";

const DOWN: &str = "
DROP TABLE provider_stats;
ALTER TABLE tasks DROP COLUMN route;
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(UP).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(DOWN).await?;
        Ok(())
    }
}

//! How an order is routed, and how long providers take.

use super::Step;

pub(super) const STEP: Step = Step {
    name: "m0010_routing",
    up: "
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
",
    down: "
DROP TABLE provider_stats;
ALTER TABLE tasks DROP COLUMN route;
",
};

//! What all processes know of providers: how they are, and when the next order may leave.

use super::Step;

pub(super) const STEP: Step = Step {
    name: "m0009_providers",
    up: "
CREATE TABLE providers (
    name TEXT NOT NULL PRIMARY KEY,
    failures BIGINT NOT NULL DEFAULT 0 CHECK (failures >= 0),
    cool_until BIGINT NOT NULL DEFAULT 0,
    probe_until BIGINT NOT NULL DEFAULT 0,
    next_at BIGINT NOT NULL DEFAULT 0
);
",
    down: "
DROP TABLE providers;
",
};

//! The keys that clients named their calls by.

use super::Step;

pub(super) const STEP: Step = Step {
    name: "m0006_idempotency",
    up: "
CREATE TABLE idempotency_keys (
    owner {uuid} NOT NULL,
    name TEXT NOT NULL,
    request {bytes} NOT NULL,
    subject {uuid} NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (owner, name)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (expires_at);
",
    down: "
DROP TABLE idempotency_keys;
",
};

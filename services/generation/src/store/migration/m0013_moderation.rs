//! What was refused, and what an admin allowed after all.

use super::Step;

pub(super) const STEP: Step = Step {
    name: "m0013_moderation",
    up: "
CREATE TABLE moderation_decisions (
    id {uuid} NOT NULL PRIMARY KEY,
    owner {uuid} NOT NULL,
    digest {bytes} NOT NULL,
    prompt TEXT NOT NULL,
    rule TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    allowed_by TEXT,
    allowed_at BIGINT,
    note TEXT,
    UNIQUE (owner, digest),
    CHECK ((allowed_by IS NULL) = (allowed_at IS NULL))
);
CREATE INDEX moderation_decisions_by_age ON moderation_decisions (created_at)
    WHERE allowed_at IS NULL;
",
    down: "
DROP TABLE moderation_decisions;
",
};

//! Orders that came together, and which generations came of them.

use super::Step;

pub(super) const STEP: Step = Step {
    name: "m0011_batches",
    up: "
CREATE TABLE batches (
    id {uuid} NOT NULL PRIMARY KEY,
    owner {uuid} NOT NULL,
    items TEXT NOT NULL,
    running BIGINT NOT NULL CHECK (running >= 0),
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    CHECK ((running = 0) = (ended_at IS NOT NULL))
);
ALTER TABLE tasks ADD COLUMN batch_id {uuid};
CREATE INDEX tasks_of_batch ON tasks (batch_id) WHERE batch_id IS NOT NULL;
",
    down: "
DROP INDEX tasks_of_batch;
ALTER TABLE tasks DROP COLUMN batch_id;
DROP TABLE batches;
",
};

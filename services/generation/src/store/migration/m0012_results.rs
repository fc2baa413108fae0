//! Results that may be given again.

use super::Step;

pub(super) const STEP: Step = Step {
    name: "m0012_results",
    up: "
CREATE TABLE results (
    owner {uuid} NOT NULL,
    name {bytes} NOT NULL,
    task_id {uuid} NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    made_at BIGINT NOT NULL,
    PRIMARY KEY (owner, name)
);
CREATE INDEX results_of_task ON results (task_id);
ALTER TABLE tasks ADD COLUMN result_key {bytes};
ALTER TABLE tasks ADD COLUMN cached BOOLEAN NOT NULL DEFAULT FALSE;
",
    down: "
ALTER TABLE tasks DROP COLUMN cached;
ALTER TABLE tasks DROP COLUMN result_key;
DROP TABLE results;
",
};

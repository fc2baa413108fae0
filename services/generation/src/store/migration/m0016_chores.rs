//! Finds batches that have had their time.

use super::Step;

pub(super) const STEP: Step = Step {
    name: "m0016_chores",
    up: "CREATE INDEX batches_ended ON batches (ended_at) WHERE ended_at IS NOT NULL;",
    down: "DROP INDEX batches_ended;",
};

//! Calls that are owed are found in their order without being sorted.

use super::Step;

pub(super) const STEP: Step = Step {
    name: "m0017_outbox",
    up: "DROP INDEX outbox_due;
CREATE INDEX outbox_in_order ON outbox (due_at, id);",
    down: "DROP INDEX outbox_in_order;
CREATE INDEX outbox_due ON outbox (due_at);",
};

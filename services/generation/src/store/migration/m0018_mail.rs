//! Finds the next event for a webhook however many wait, and were sent.

use super::Step;

pub(super) const STEP: Step = Step {
    name: "m0018_mail",
    up: "CREATE INDEX deliveries_next ON deliveries (webhook_id, id) WHERE state = 'pending';",
    down: "DROP INDEX deliveries_next;",
};

//! A decision may be about what came of a prompt: then it names the generation.

use super::Step;

pub(super) const STEP: Step = Step {
    name: "m0019_results",
    up: "
ALTER TABLE moderation_decisions ADD COLUMN task_id {uuid};
",
    down: "
ALTER TABLE moderation_decisions DROP COLUMN task_id;
",
};

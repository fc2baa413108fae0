//! Orders that begin in the off-peak window only.

use super::Step;

pub(super) const STEP: Step = Step {
    name: "m0015_off_peak",
    up: "
ALTER TABLE tasks ADD COLUMN off_peak BOOLEAN NOT NULL DEFAULT FALSE;
-- Those that still stand in line when the window closes.
CREATE INDEX tasks_off_peak ON tasks (id) WHERE status = 'pending' AND off_peak AND NOT resting;
",
    down: "
DROP INDEX tasks_off_peak;
ALTER TABLE tasks DROP COLUMN off_peak;
",
};

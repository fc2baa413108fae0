//! When an order nobody waits for is next asked to stop.

use super::Step;

pub(super) const STEP: Step = Step {
    name: "m0014_strays",
    up: "
ALTER TABLE attempts ADD COLUMN stop_at BIGINT;
CREATE INDEX attempts_stop ON attempts (stop_at) WHERE stop_at IS NOT NULL;
",
    down: "
DROP INDEX attempts_stop;
ALTER TABLE attempts DROP COLUMN stop_at;
",
};

//! Turns: tasks stand in line fairly among their owners, rest apart from it, and may expire.

use super::Step;

pub(super) const STEP: Step = Step {
    name: "m0005_queue",
    up: "
ALTER TABLE tasks ADD COLUMN turn BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN resting BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE tasks ADD COLUMN expires_at BIGINT;
-- Whoever waits now goes first; those whose time has not come are looked at once.
UPDATE tasks SET resting = TRUE WHERE status = 'pending';
DROP INDEX tasks_due;
-- Claims look at those in line only, however many are finished or wait for another day.
CREATE INDEX tasks_in_line ON tasks (turn, id) WHERE status = 'pending' AND NOT resting;
CREATE INDEX tasks_resting ON tasks (run_at) WHERE status = 'pending' AND resting;
CREATE INDEX tasks_expiring ON tasks (expires_at)
    WHERE status = 'pending' AND expires_at IS NOT NULL;
CREATE TABLE owners (
    owner {uuid} NOT NULL PRIMARY KEY,
    last_turn BIGINT NOT NULL
);
-- One row: the turn claimed last, and how fast turns go by while there is a line.
CREATE TABLE queue (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    turn BIGINT NOT NULL,
    claimed_at BIGINT,
    pace BIGINT CHECK (pace >= 0),
    paced_at BIGINT
);
INSERT INTO queue (id, turn) VALUES (1, 0);
",
    down: "
DROP TABLE queue;
DROP TABLE owners;
DROP INDEX tasks_expiring;
DROP INDEX tasks_resting;
DROP INDEX tasks_in_line;
CREATE INDEX tasks_due ON tasks (run_at, id) WHERE status = 'pending';
ALTER TABLE tasks DROP COLUMN expires_at;
ALTER TABLE tasks DROP COLUMN resting;
ALTER TABLE tasks DROP COLUMN turn;
",
};

//! A task in a worker's hands and its attempts, and what moves make of them.

use types::Microusd;
use uuid::Uuid;

use super::{Move, Outcome};
use crate::domain::attempt::{ABANDONED, AttemptEnd, AttemptState};
use crate::domain::error::Error;
use crate::domain::events::{EventKind, Step};
use crate::domain::generation::{Failure, Output, Status};
use crate::domain::ports::{Advance, Claim, Ending, PlannedAttempt};
use crate::domain::settlement::{Call, Resolution};
use crate::store::entity::{attempts, events, tasks};
use crate::store::{unreadable, written};

const OPEN: [AttemptState; 3] = [
    AttemptState::Planned,
    AttemptState::Sent,
    AttemptState::Accepted,
];

/// A task, and what is new about it.
pub(super) struct Card {
    row: tasks::Model,
    attempts: Vec<Kept>,
    events: Vec<events::Model>,
    end: Option<End>,
}

/// An attempt, and what is new about it.
pub(super) struct Kept {
    pub(super) row: attempts::Model,
    pub(super) is_new: bool,
    pub(super) is_changed: bool,
    /// It ended just now, and counts.
    pub(super) counts: bool,
}

/// How a task ended just now.
pub(super) struct End {
    pub(super) outputs: Vec<Output>,
    /// What its reservation becomes.
    pub(super) call: Call,
}

impl Card {
    pub(super) fn of(row: tasks::Model) -> Self {
        Self {
            row,
            attempts: Vec::new(),
            events: Vec::new(),
            end: None,
        }
    }

    /// One of its attempts, as it was read.
    pub(super) fn add(&mut self, row: attempts::Model) {
        self.attempts.push(Kept {
            row,
            is_new: false,
            is_changed: false,
            counts: false,
        });
    }

    pub(super) const fn row(&self) -> &tasks::Model {
        &self.row
    }

    pub(super) fn attempts(&self) -> &[Kept] {
        &self.attempts
    }

    /// What was told of it just now.
    pub(super) fn events(&self) -> &[events::Model] {
        &self.events
    }

    /// Its end, if it ended just now.
    pub(super) const fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// Whether the claim holds.
    pub(super) fn is_held(&self, claim: Claim) -> bool {
        self.row.fence == claim.fence && self.row.status == Status::Processing.as_str()
    }

    /// Makes a move, or changes nothing.
    pub(super) fn make(&mut self, what: &Move, now: i64) -> Outcome {
        match what {
            Move::Plan(planned) => Ok(self.plan(planned, now)),
            Move::Advance {
                number,
                advance,
                step,
            } => {
                self.advance(*number, advance, now)?;
                self.tell(step, now);
                Ok(None)
            }
            Move::Note(step) => {
                self.tell(step, now);
                Ok(None)
            }
            Move::Finish(ending) => self.finish(ending, now).map(|()| None),
        }
    }

    fn plan(&mut self, planned: &PlannedAttempt, now: i64) -> Option<i64> {
        // Under the lock whoever marks a reservation as lost takes, too.
        if self.row.reservation_lost {
            return None;
        }
        let never_got_anywhere = [AttemptState::Planned, AttemptState::Sent];
        for kept in &mut self.attempts {
            if kept.is_in(&never_got_anywhere) {
                kept.end(AttemptState::Failed, now);
                kept.row.error_class = Some(ABANDONED.to_owned());
            }
        }
        let last = self.attempts.iter().map(|kept| kept.row.number).max();
        let number = last.map_or(1, |last| last + 1);
        self.attempts.push(Kept {
            row: planned_row(self.row.id, number, self.row.fence, planned, now),
            is_new: true,
            is_changed: false,
            counts: false,
        });
        Some(number)
    }

    // Each may be written twice when nobody knows whether the first time counted.
    fn advance(&mut self, number: i64, advance: &Advance, now: i64) -> Result<(), Error> {
        let from = match advance {
            Advance::Sent => [AttemptState::Planned, AttemptState::Sent],
            Advance::Accepted(_) => [AttemptState::Sent, AttemptState::Accepted],
        };
        let kept = self.attempt(number, &from).ok_or(Error::Lost)?;
        match advance {
            Advance::Sent => {
                kept.become_state(AttemptState::Sent);
                kept.row.sent_at = Some(now);
            }
            Advance::Accepted(job) => {
                let job = serde_json::to_string(job).map_err(|_| unreadable("job"))?;
                kept.become_state(AttemptState::Accepted);
                kept.row.job = Some(job);
            }
        }
        self.count_sends();
        Ok(())
    }

    fn count_sends(&mut self) {
        let sends = (self.attempts.iter()).filter(|kept| kept.row.sent_at.is_some());
        self.row.attempts = i64::try_from(sends.count()).unwrap_or(i64::MAX);
    }

    // Takes the next event's number.
    fn tell(&mut self, step: &Step, now: i64) {
        self.row.last_sequence += 1;
        self.row.updated_at = now;
        if let Some(progress) = step.progress {
            self.row.progress = i64::from(progress);
        }
        if step.kind == EventKind::Storing {
            self.row.keeping = true;
        }
        self.events.push(events::Model {
            task_id: self.row.id,
            sequence: self.row.last_sequence,
            kind: step.kind.as_str().to_owned(),
            status: self.row.status.clone(),
            progress: self.row.progress,
            message: step.message.clone(),
            created_at: now,
        });
    }

    fn finish(&mut self, ending: &Ending, now: i64) -> Result<(), Error> {
        let (Ending::Completed { resolution, .. } | Ending::Failed { resolution, .. }) = ending;
        let text = written(resolution)?;
        let (status, step, made) = match ending {
            Ending::Completed {
                attempt,
                cost,
                tokens,
                outputs,
                ..
            } => {
                self.succeed(*attempt, *cost, *tokens, now);
                let step = Step::new(EventKind::Completed, 100);
                (Status::Completed, step, outputs.as_slice())
            }
            Ending::Failed {
                attempt, failure, ..
            } => {
                if let Some(end) = attempt {
                    self.close(end, now);
                }
                self.blame(failure);
                let step = Step::saying(EventKind::Failed, failure.message.clone());
                (Status::Failed, step, &[][..])
            }
        };
        self.row.status = status.as_str().to_owned();
        self.row.lease_until = None;
        self.row.worker = None;
        self.row.keeping = false;
        self.row.completed_at = Some(now);
        self.row.cost_microusd = resolution.cost().0;
        self.row.resolution = Some(text);
        self.tell(&step, now);
        self.end = Some(End {
            outputs: made.to_vec(),
            call: Call::Resolve(resolution.clone()),
        });
        Ok(())
    }

    fn blame(&mut self, failure: &Failure) {
        self.row.failure_reason = Some(failure.reason.as_str_name().to_owned());
        self.row.failure_message = Some(failure.message.clone());
    }

    fn succeed(&mut self, number: i64, cost: Microusd, tokens: Option<i64>, now: i64) {
        if let Some(kept) = self.attempt(number, &OPEN) {
            kept.end(AttemptState::Succeeded, now);
            kept.row.cost_microusd = Some(cost.0);
            kept.row.tokens = tokens;
            kept.counts = true;
        }
    }

    fn close(&mut self, end: &AttemptEnd, now: i64) {
        if let Some(kept) = self.attempt(end.number, &OPEN) {
            kept.end(end.state, now);
            kept.row.error_class = Some(end.class.to_owned());
            kept.row.error_detail = Some(end.detail.replace('\0', ""));
            kept.row.cost_microusd = end.cost.map(|cost| cost.0);
            kept.row.tokens = end.tokens;
            // Of what became a job, its provider can be asked; before any clock, so at once.
            let is_to_be_stopped = end.state == AttemptState::Unknown && end.cost.is_none();
            if is_to_be_stopped {
                kept.row.stop_at = kept.row.job.as_ref().map(|_| 0);
            }
            kept.counts = true;
            if !end.has_left() {
                kept.row.sent_at = None;
                self.count_sends();
            }
        }
    }

    fn attempt(&mut self, number: i64, states: &[AttemptState]) -> Option<&mut Kept> {
        let mut found = self.attempts.iter_mut();
        found.find(|kept| kept.row.number == number && kept.is_in(states))
    }
}

impl Kept {
    fn is_in(&self, states: &[AttemptState]) -> bool {
        states.iter().any(|state| state.as_str() == self.row.state)
    }

    fn become_state(&mut self, state: AttemptState) {
        state.as_str().clone_into(&mut self.row.state);
        self.is_changed = !self.is_new;
    }

    fn end(&mut self, state: AttemptState, now: i64) {
        self.become_state(state);
        self.row.ended_at = Some(now);
    }
}

impl End {
    /// The actuals of what is owed for a task; none when nothing is.
    pub(super) fn owed(&self, row: &tasks::Model) -> Result<Option<String>, Error> {
        match &self.call {
            Call::Resolve(Resolution::Settle(actuals)) => written(actuals).map(Some),
            // What was given back is given back.
            Call::Resolve(Resolution::Release) if row.reservation_lost => Ok(None),
            _ => Ok(Some(String::new())),
        }
    }
}

fn planned_row(
    task: Uuid,
    number: i64,
    fence: i64,
    planned: &PlannedAttempt,
    now: i64,
) -> attempts::Model {
    attempts::Model {
        task_id: task,
        number,
        fence,
        provider: planned.provider.clone(),
        model: planned.model.clone(),
        state: AttemptState::Planned.as_str().to_owned(),
        job: None,
        price_microusd: planned.price.0,
        cost_microusd: None,
        tokens: None,
        error_class: None,
        error_detail: None,
        created_at: now,
        sent_at: None,
        ended_at: None,
        resolved_at: None,
        resolved_by: None,
        note: None,
        stop_at: None,
    }
}

//! What a worker says of a task it lets go of: what surely has not left is told, so that nobody takes it for
//! lost; what may have been paid is not given to anybody.

use std::sync::Arc;
use std::time::Duration;

use errors::Reason;
use types::Microusd;

use super::sending::Note;
use super::{Studio, outcome_unknown};
use crate::domain::attempt::{AttemptEnd, Resume, resume};
use crate::domain::error::Error;
use crate::domain::events::{EventKind, Step};
use crate::domain::generation::Failure;
use crate::domain::lease::Lease;
use crate::domain::ports::{Claimed, PutBack};

impl Studio {
    /// Lets go of a task this process cannot finish: it goes back into the queue, unless its order
    /// may have been paid and cannot be found again.
    ///
    /// # Errors
    /// As [`Studio::perform`].
    pub async fn give_back(&self, task: &Claimed, lease: &Lease) -> Result<(), Error> {
        if let Some(number) = lease.unsent() {
            let back = handed_on(Some(never_left(number)));
            return self.put_back(task, lease, &back).await;
        }
        match self.next_step(task, lease).await? {
            Resume::GiveUp(number) => {
                let end = Some(lost_result(number));
                self.fail(task, lease, end, outcome_unknown()).await
            }
            Resume::Afresh | Resume::Poll { .. } => {
                self.put_back(task, lease, &handed_on(None)).await
            }
        }
    }

    /// Leaves a task whose lease is over. Nothing is written then but for an order that was written down as
    /// sent and surely has not left: while nobody else has its task, that goes back into the queue; and
    /// whoever has it, and takes the order for lost, is told that it cost nothing.
    ///
    /// # Errors
    /// As [`Studio::perform`].
    pub async fn leave(&self, task: &Claimed, lease: &Lease) -> Result<(), Error> {
        let number = lease.unsent().ok_or(Error::Lost)?;
        let back = handed_on(Some(never_left(number)));
        let given_back = self.put_back(task, lease, &back).await;
        if matches!(given_back, Err(Error::Lost)) {
            let note = Note {
                task: task.claim.task,
                number,
                price: Microusd(0),
                strays: Arc::clone(&self.strays),
            };
            tokio::spawn(note.cost_nothing());
        }
        given_back
    }

    /// Ends a task whose doing broke down in our own code: trying again would break again.
    ///
    /// # Errors
    /// As [`Studio::perform`].
    pub async fn break_off(&self, task: &Claimed, lease: &Lease) -> Result<(), Error> {
        if let Some(number) = lease.unsent() {
            let end = Some(never_left(number));
            return self.fail(task, lease, end, internal_failure()).await;
        }
        let (end, failure) = match self.next_step(task, lease).await? {
            Resume::Afresh => (None, internal_failure()),
            Resume::Poll { number, .. } | Resume::GiveUp(number) => {
                (Some(lost_result(number)), outcome_unknown())
            }
        };
        self.fail(task, lease, end, failure).await
    }

    async fn next_step(&self, task: &Claimed, lease: &Lease) -> Result<Resume, Error> {
        let read = || self.work.last_attempt(task.claim.task);
        let last = self.persist(task, lease, read).await?;
        let provider = self.catalog.provider(&task.provider);
        let is_repeatable = provider.is_some_and(|one| one.is_repeatable());
        Ok(resume(last, is_repeatable, self.clock.now()))
    }
}

fn handed_on(attempt: Option<AttemptEnd>) -> PutBack {
    PutBack {
        rest: Duration::ZERO,
        step: Step::saying(EventKind::Requeued, "the worker stopped; another goes on"),
        attempt,
        onto: None,
    }
}

fn never_left(number: i64) -> AttemptEnd {
    AttemptEnd::never_left(number, "its worker stopped before the order left")
}

pub(super) fn lost_result(number: i64) -> AttemptEnd {
    AttemptEnd::unknown(number, "a worker stopped while the order was under way")
}

fn internal_failure() -> Failure {
    Failure {
        reason: Reason::Internal,
        message: "a fault of ours; the generation's id finds it in the log".to_owned(),
    }
}

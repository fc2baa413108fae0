//! What the domain needs from outside: books that keep counters and reservations, and keep them
//! in step. One method is one transaction.

use async_trait::async_trait;
use types::{ReservationId, Timestamp};

use super::counter::{Key, Tally};
use super::error::Error;
use super::reservation::{Action, Draft, Made, State, Step};

/// Keeps counters and reservations.
#[async_trait]
pub trait Book: Send + Sync + 'static {
    /// Sets aside every take of the draft, or none of them.
    async fn reserve(&self, draft: &Draft) -> Result<Reserving, Error>;

    /// Does what [`State::on`] says to the reservation and its counters; reservations that no
    /// longer hold their units get `now` as the moment they were resolved.
    ///
    /// Fails with `NotFound` and `WrongState`.
    async fn resolve(
        &self,
        id: ReservationId,
        action: Action,
        now: Timestamp,
    ) -> Result<Resolved, Error>;

    /// Held reservations that expired by `now`, the longest overdue first, at most `most`.
    async fn due(&self, now: Timestamp, most: u64) -> Result<Vec<ReservationId>, Error>;

    /// What stands on each counter, in the order of the keys, all at one moment.
    async fn tallies(&self, keys: &[Key]) -> Result<Vec<Tally>, Error>;
}

/// What became of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserving {
    /// It is written; what stands on each take's counter now.
    Done(Vec<Tally>),
    /// Its operation made a reservation before; nothing was written.
    Repeated(Made),
    /// One of the takes did not fit; nothing was written.
    Refused,
}

/// What an action came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolved {
    /// The state it met.
    pub from: State,
    /// What it did.
    pub step: Step,
}

//! What the domain needs from outside: books that are kept, rules that are read, keepers that are
//! asked.

use std::sync::Arc;

use async_trait::async_trait;
use types::{ReservationId, Timestamp};

use super::clerk::{Instruction, Outcome};
use super::counter::{Key, Tally};
use super::error::Error;
use super::rules::Rules;
use super::scope::Keeper;

/// Keeps counters, reservations and the ledger, and keeps them in step.
#[async_trait]
pub trait Book: Send + Sync + 'static {
    /// Does one instruction durably, wholly or not at all. Others may share its transaction.
    async fn post(&self, instruction: Instruction) -> Outcome;

    /// The rules in force.
    async fn rules(&self) -> Result<Arc<Rules>, Error>;

    /// What stands on each counter, in the order of the keys, all at one moment.
    async fn tallies(&self, keys: &[Key]) -> Result<Vec<Tally>, Error>;

    /// Held and confirmed reservations that expired by `now`, the longest overdue first, at most
    /// `most`; those that come after `last`, when there is one.
    async fn due(&self, now: Timestamp, most: u64, last: Option<Due>) -> Result<Vec<Due>, Error>;

    /// Forgets reservations that were resolved before `resolved`, and counters of days and months
    /// that began before `begun` and hold nothing; at most `most` of each. Says how many it forgot.
    async fn forget(
        &self,
        resolved: Timestamp,
        begun: Timestamp,
        most: u64,
    ) -> Result<Forgotten, Error>;
}

/// What was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forgotten {
    /// Reservations.
    pub reservations: u64,
    /// Counters.
    pub counters: u64,
}

/// A reservation that expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Which one.
    pub id: ReservationId,
    /// When.
    pub expires_at: Timestamp,
    /// Who knows what became of its work.
    pub keeper: Option<Keeper>,
}

/// What a keeper knows of a reservation's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// There is none, and there will be none.
    Unknown,
    /// It is under way, or its outcome is on the way.
    Open,
}

/// Knows what became of work.
#[async_trait]
pub trait Keepers: Send + Sync + 'static {
    /// What became of these reservations' work, in their order.
    async fn report(
        &self,
        keeper: Keeper,
        reservations: &[ReservationId],
    ) -> Result<Vec<Report>, Error>;
}

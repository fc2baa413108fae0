//! What the domain needs from outside: books that are kept, rules that are read, keepers that are
//! asked.

use std::sync::Arc;

use async_trait::async_trait;
use types::{Page, PageRequest, ReservationId, Timestamp, UserId};
use uuid::Uuid;

use super::audit::{AuditEvent, Signature};
use super::budget::{Budget, BudgetChange};
use super::clerk::{Instruction, Outcome};
use super::counter::{Key, Tally};
use super::error::Error;
use super::plan::Plan;
use super::price::Price;
use super::reservation::{Reservation, State};
use super::rulebook::{Correction, Written};
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

/// Writes rules. Each change, the rules' new version and its audit row are one transaction, and from
/// its end on it holds in every process. What a new limit counts is seeded with what was used in its
/// window before.
#[async_trait]
pub trait RuleStore: Send + Sync + 'static {
    /// Writes a plan over the one of its name.
    async fn put_plan(&self, plan: &Plan, by: &Signature) -> Result<Written<Plan>, Error>;

    /// Forgets a plan that was written; one that is in use and would be gone only by force.
    async fn delete_plan(&self, name: &str, force: bool, by: &Signature) -> Result<(), Error>;

    /// Makes a budget.
    async fn create_budget(&self, budget: &Budget, by: &Signature) -> Result<(), Error>;

    /// Changes a budget.
    async fn update_budget(
        &self,
        id: Uuid,
        change: &BudgetChange,
        by: &Signature,
    ) -> Result<Budget, Error>;

    /// Removes a budget.
    async fn delete_budget(&self, id: Uuid, by: &Signature) -> Result<(), Error>;

    /// Brings a price into force, in place of the one for the same; gives it with its version.
    async fn create_price(&self, price: &Price, by: &Signature) -> Result<Price, Error>;

    /// Takes a price out of force.
    async fn retire_price(&self, id: Uuid, by: &Signature) -> Result<(), Error>;
}

/// Looks at rules, at who changed them, and at what operators correct.
#[async_trait]
pub trait RuleLists: Send + Sync + 'static {
    /// The plans that were written, by name.
    async fn plans(&self) -> Result<Vec<Written<Plan>>, Error>;

    /// Budgets, newest first.
    async fn budgets(&self, page: PageRequest) -> Result<Page<Budget>, Error>;

    /// One budget.
    async fn budget(&self, id: Uuid) -> Result<Budget, Error>;

    /// Prices, newest first: of one provider or of all, retired ones too or not.
    async fn prices(
        &self,
        provider: Option<&str>,
        retired_too: bool,
        page: PageRequest,
    ) -> Result<Page<Price>, Error>;

    /// Changes, newest first.
    async fn audit(&self, page: PageRequest) -> Result<Page<AuditEvent>, Error>;
}

/// Corrections by hand: what was corrected, and what stands in suspense.
#[async_trait]
pub trait Corrections: Send + Sync + 'static {
    /// Corrections, newest first: of one owner or of all.
    async fn adjustments(
        &self,
        owner: Option<UserId>,
        page: PageRequest,
    ) -> Result<Page<Correction>, Error>;

    /// One correction, by its operation.
    async fn adjustment(&self, id: ReservationId) -> Result<Correction, Error>;

    /// Reservations in a state, newest first.
    async fn reservations(
        &self,
        state: State,
        page: PageRequest,
    ) -> Result<Page<Reservation>, Error>;

    /// One reservation.
    async fn reservation(&self, id: ReservationId) -> Result<Reservation, Error>;

    /// The plan an owner's latest charge was made on.
    async fn latest_tier(&self, owner: UserId) -> Result<Option<String>, Error>;
}

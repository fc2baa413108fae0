//! What would come of an order that is not placed.

use errors::Reason;
use types::{Microusd, Timestamp};

use crate::domain::queue::Place;
use crate::domain::route::Itinerary;

// The meter of money, by its name.
const MONEY: &str = "MICROUSD";

/// What would come of an order now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quotation {
    /// Who would do it.
    pub itinerary: Itinerary,
    /// What it would cost.
    pub price: Microusd,
    /// Why it would be refused; none when it would be accepted.
    pub refusal: Option<Refusal>,
    /// What it would count in.
    pub limits: Vec<LimitState>,
    /// Where it would stand.
    pub place: Place,
    /// Whether a result from before would be given again.
    pub is_cached: bool,
}

/// Why an order would be refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A reason by name.
    pub reason: String,
    /// The same in a sentence.
    pub message: String,
}

/// What the usage service says of an order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Explained {
    /// Why it would be refused; none when it would be accepted.
    pub refusal: Option<Refusal>,
    /// What it would count in, what is in the way first.
    pub limits: Vec<LimitState>,
}

impl Explained {
    /// Whether the order would go over a budget that only warns.
    #[must_use]
    pub fn is_over_soft_budget(&self) -> bool {
        let mut soft = self.limits.iter().filter(|one| !one.is_hard);
        soft.any(|one| one.meter == MONEY && !one.fits)
    }
}

/// A limit or budget, and what an order would take of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitState {
    /// What is counted, e.g. `GENERATIONS`.
    pub meter: String,
    /// Over which time, e.g. `MONTH`.
    pub window: String,
    /// Whose budget it is; empty for a limit of the owner's plan.
    pub scope: String,
    /// How many there are.
    pub limit: i64,
    /// How many are spent.
    pub used: i64,
    /// How many are set aside.
    pub reserved: i64,
    /// How many are left.
    pub remaining: i64,
    /// How many the order would take.
    pub asked: i64,
    /// Whether they fit.
    pub fits: bool,
    /// Whether going over it refuses the order.
    pub is_hard: bool,
    /// When it starts anew.
    pub reset_at: Option<Timestamp>,
}

/// How an owner's next order would stand in line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prospect {
    /// Where.
    pub place: Place,
    /// Whether as many of the owner wait as may.
    pub is_full: bool,
}

/// Why an order would find no place.
#[must_use]
pub fn queue_full() -> Refusal {
    Refusal {
        reason: Reason::QueueFull.as_str_name().to_owned(),
        message: "as many of your generations wait as may".to_owned(),
    }
}

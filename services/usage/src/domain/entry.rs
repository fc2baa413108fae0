//! One row of the ledger: money that moves from one account to another, and what for. A row moves
//! the same amount out of one and into the other, so the sum of all accounts is always zero.

use std::fmt;

use types::{Microusd, ReservationId, Timestamp, UserId};
use uuid::Uuid;

use super::scope::Purpose;

/// Where money comes from or goes to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// What a user was charged.
    User(UserId),
    /// What a provider is owed.
    Provider(String),
    /// What the platform bears because work cost more than was set aside for it.
    Loss,
    /// What may have been paid: work of unknown outcome.
    Suspense,
    /// What operators gave and took by hand.
    Goodwill,
}

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// Work that was done: from the user to the provider. Also the usage record; may be of 0.
    Charge,
    /// What it cost beyond what was set aside: from the platform to the provider.
    Loss,
    /// Work of unknown outcome: from suspense to the provider.
    Suspense,
    /// The outcome is known now: the suspense row turned round.
    Unsuspense,
    /// An operator's correction, between user and goodwill.
    Adjustment,
}

/// One row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// UUIDv7.
    pub id: Uuid,
    /// When it was written.
    pub created_at: Timestamp,
    /// The day it counts in, as `YYYYMMDD`: the day its reservation was made.
    pub day: i32,
    /// What it is.
    pub kind: EntryKind,
    /// The account the money leaves.
    pub debit: Account,
    /// The account it goes to.
    pub credit: Account,
    /// How much; never negative.
    pub amount: Microusd,
    /// The reservation it ends or suspends; the operation's id for adjustments.
    pub reservation: ReservationId,
    /// Whose work.
    pub owner: UserId,
    /// On which plan.
    pub tier: String,
    /// What for.
    pub purpose: Purpose,
    /// Generations it counted as; negative for those given back.
    pub units: i64,
    /// Tokens it took, when known.
    pub tokens: i64,
    /// The price it was held at.
    pub price_version: String,
    /// Of an adjustment: why.
    pub note: String,
    /// Of an adjustment: who.
    pub created_by: String,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Provider(name) => write!(f, "provider:{name}"),
            Self::Loss => f.write_str("platform:loss"),
            Self::Suspense => f.write_str("platform:suspense"),
            Self::Goodwill => f.write_str("platform:goodwill"),
        }
    }
}

impl EntryKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Charge,
        Self::Loss,
        Self::Suspense,
        Self::Unsuspense,
        Self::Adjustment,
    ];

    /// As it stands in tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Charge => "charge",
            Self::Loss => "loss",
            Self::Suspense => "suspense",
            Self::Unsuspense => "unsuspense",
            Self::Adjustment => "adjustment",
        }
    }

    /// Reads what [`EntryKind::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

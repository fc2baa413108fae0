//! A reservation, and its life: `held`, perhaps `confirmed` or `suspended`, then resolved once.
//!
//! ```text
//!            confirm              settle
//!    held ------------> confirmed ------> settled
//!     | |                | |  |              ^  ^
//!     | |                | |  +- suspend -> suspended (nobody knows; settled or released later)
//!     | +---- release ---|-+---> released <-----+
//!     +------ expire ----+-----> expired ---- settle: the work was done; what still fits counts
//! ```

use std::time::Duration;

use types::{Microusd, ReservationId, Timestamp, UserId};

use super::counter::Key;
use super::fingerprint::Fingerprint;
use super::meter::Meter;
use super::price::Work;
use super::rules::Amounts;
use super::scope::Purpose;

/// Where a reservation is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Units are set aside; it expires unless something happens.
    Held,
    /// Units are set aside for a stored task; its keeper is asked before it expires.
    Confirmed,
    /// Nobody knows whether the work was paid for: its money stays set aside.
    Suspended,
    /// The units are spent.
    Settled,
    /// The units were given back.
    Released,
    /// Nobody came back for it in time; the units were given back.
    Expired,
}

/// The action does not fit the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the reservation is {}", .0.as_str())]
pub struct WrongState(pub State);

/// Units set aside on one counter.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Item {
    /// Which counter.
    #[serde(flatten)]
    pub key: Key,
    /// How many; more than 0.
    pub amount: i64,
}

/// Units set aside, or that were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// The id of the operation that made it.
    pub id: ReservationId,
    /// Tells a repeated call from another one with the same operation id.
    pub request_hash: String,
    /// Whose units.
    pub owner: UserId,
    /// The owner's plan.
    pub tier: String,
    /// Where it is in its life.
    pub state: State,
    /// What it was made for, of each meter; what it holds while it holds.
    pub amounts: Amounts,
    /// What for.
    pub purpose: Purpose,
    /// What it holds on which counters, in locking order; empty once it holds nothing.
    pub items: Vec<Item>,
    /// The price its money was held at; empty for none.
    pub price_version: String,
    /// Tells a repeated amendment from another one, and once it is settled a repeated settlement;
    /// empty while there was neither.
    pub amend_hash: String,
    /// When it was made; this decides the windows it counts in.
    pub created_at: Timestamp,
    /// When it expires, or would have.
    pub expires_at: Timestamp,
    /// When it ended.
    pub resolved_at: Option<Timestamp>,
}

/// What is asked for: the reading of it is done, the deciding is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Makes the call safe to repeat, and names the reservation.
    pub id: ReservationId,
    /// Whose units.
    pub owner: UserId,
    /// The owner's plan.
    pub tier: String,
    /// What and how many.
    pub amounts: Amounts,
    /// What for.
    pub purpose: Purpose,
    /// Work to price and set money aside for.
    pub work: Option<Work>,
    /// How long it is held.
    pub hold: Duration,
}

/// What a reservation turns out to be for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amendment {
    /// Which one.
    pub id: ReservationId,
    /// What for.
    pub purpose: Purpose,
    /// Work to price and set money aside for.
    pub work: Option<Work>,
}

/// A correction of what an owner may use in the windows of now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment {
    /// Makes the call safe to repeat.
    pub id: ReservationId,
    /// Whose units.
    pub owner: UserId,
    /// The owner's plan.
    pub tier: String,
    /// Generations or money.
    pub meter: Meter,
    /// By how many units; negative gives back, positive takes.
    pub amount: i64,
    /// Why.
    pub note: String,
    /// Who.
    pub actor: String,
}

/// How work ends that nobody knew the outcome of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// Which reservation.
    pub id: ReservationId,
    /// What its provider was paid; none when it was not.
    pub cost: Option<Microusd>,
    /// Who says so.
    pub actor: String,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Held,
        Self::Confirmed,
        Self::Suspended,
        Self::Settled,
        Self::Released,
        Self::Expired,
    ];

    /// As it stands in tables and sentences.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Confirmed => "confirmed",
            Self::Suspended => "suspended",
            Self::Settled => "settled",
            Self::Released => "released",
            Self::Expired => "expired",
        }
    }

    /// Reads what [`State::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether units are set aside.
    #[must_use]
    pub const fn holds(self) -> bool {
        matches!(self, Self::Held | Self::Confirmed | Self::Suspended)
    }

    /// Whether it expires when nothing happens.
    #[must_use]
    pub const fn expires(self) -> bool {
        matches!(self, Self::Held | Self::Confirmed)
    }
}

impl Reservation {
    /// The money it was made for.
    #[must_use]
    pub fn money(&self) -> Microusd {
        Microusd(self.amounts.get(&Meter::Microusd).copied().unwrap_or(0))
    }
}

impl Ask {
    /// Tells two asks apart. What they would be priced at today is no part of them.
    #[must_use]
    pub fn hash(&self) -> String {
        Fingerprint::of("reserve")
            .text(&self.owner.to_string())
            .text(&self.tier)
            .amounts(&self.amounts)
            .purpose(&self.purpose)
            .work(self.work.as_ref())
            .finish()
    }
}

impl Amendment {
    /// Tells two amendments apart.
    #[must_use]
    pub fn hash(&self) -> String {
        Fingerprint::of("amend")
            .purpose(&self.purpose)
            .work(self.work.as_ref())
            .finish()
    }
}

impl Adjustment {
    /// Tells two adjustments apart.
    #[must_use]
    pub fn hash(&self) -> String {
        Fingerprint::of("adjust")
            .text(&self.owner.to_string())
            .text(&self.tier)
            .text(self.meter.as_str())
            .number(self.amount)
            .text(&self.note)
            .finish()
    }
}

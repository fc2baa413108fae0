//! The clerk: decides one instruction after another over the rows of one transaction, and says what
//! is to be written. Knows no database: the same decisions hold on every engine, and in tests.

mod adjusting;
mod ending;
mod resolving;
mod sheet;
mod taking;

use types::ReservationId;

use super::charge::Settlement;
use super::counter::Standing;
use super::error::Error;
use super::reservation::{Adjustment, Amendment, Ask, Reservation, Resolution};

pub use sheet::{Count, Line, Sheet, Writes};

/// What is asked of the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instruction {
    /// Set units aside.
    Reserve(Ask),
    /// Say what they are for, and set its money aside.
    Amend(Amendment),
    /// The task is stored: keep it until its keeper says otherwise.
    Confirm(ReservationId),
    /// Expire so much later than now, at the earliest.
    Extend(ReservationId, std::time::Duration),
    /// An order that costs its money is about to leave: keep it, unless paid work is paused.
    Begin(ReservationId),
    /// The work is done: spend what was really used.
    Settle(ReservationId, Settlement),
    /// Give everything back.
    Release(ReservationId),
    /// Nobody knows: keep the money aside.
    Suspend(ReservationId),
    /// Give everything back if nobody came for it in time.
    Expire(ReservationId),
    /// Correct what an owner may use.
    Adjust(Adjustment),
    /// End work in suspense as an operator says.
    Resolve(Resolution),
}

/// What an instruction came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The reservation as it stands now.
    pub reservation: Reservation,
    /// The limits it met, when it took something.
    pub standings: Vec<Standing>,
    /// Whether it was so before.
    pub is_repeat: bool,
}

/// What becomes of an instruction.
pub type Outcome = Result<Done, Error>;

impl Instruction {
    /// Which reservation it is about.
    #[must_use]
    pub const fn id(&self) -> ReservationId {
        match self {
            Self::Reserve(ask) => ask.id,
            Self::Amend(amendment) => amendment.id,
            Self::Adjust(adjustment) => adjustment.id,
            Self::Resolve(resolution) => resolution.id,
            Self::Confirm(id)
            | Self::Begin(id)
            | Self::Extend(id, _)
            | Self::Settle(id, _)
            | Self::Release(id)
            | Self::Suspend(id)
            | Self::Expire(id) => *id,
        }
    }

    /// Whether it may move what its reservation holds.
    #[must_use]
    pub const fn moves_what_is_held(&self) -> bool {
        !matches!(
            self,
            Self::Confirm(_)
                | Self::Begin(_)
                | Self::Extend(..)
                | Self::Reserve(_)
                | Self::Adjust(_)
        )
    }

    /// As it stands in metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Reserve(_) => "reserve",
            Self::Amend(_) => "amend",
            Self::Confirm(_) => "confirm",
            Self::Begin(_) => "begin",
            Self::Extend(..) => "extend",
            Self::Settle(..) => "settle",
            Self::Release(_) => "release",
            Self::Suspend(_) => "suspend",
            Self::Expire(_) => "expire",
            Self::Adjust(_) => "adjust",
            Self::Resolve(_) => "resolve",
        }
    }
}

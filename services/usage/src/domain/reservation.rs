//! A reservation's life: `held`, perhaps `confirmed`, then resolved once.
//!
//! ```text
//!            confirm              settle
//!    held ------------> confirmed ------> settled <--+
//!     | | \------------- settle -----------^         | settle: the work was done, so it counts,
//!     | |                 |                          | whatever the limit says by now
//!     | +---- release ----+---> released <-------+   |
//!     +------ expire -------------> expired -----+---+
//!                                        release: nothing is left to give back
//! ```

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use types::{OperationId, ReservationId, Timestamp, UserId};

use super::counter::{Subject, Take};
use super::meter::Meter;
use super::plan::Plan;

/// Where a reservation is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Units are set aside; it expires unless something happens.
    Held,
    /// Units are set aside for a stored task; it does not expire.
    Confirmed,
    /// The units are spent.
    Settled,
    /// The units were given back.
    Released,
    /// Nobody came back for it in time; the units were given back.
    Expired,
}

/// What can be asked of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Keep it from expiring.
    Confirm,
    /// Spend its units.
    Settle,
    /// Give its units back.
    Release,
    /// Give its units back, if nobody has confirmed or resolved it.
    Expire,
}

/// What a step does to each counter of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    Nothing,
    /// From held to used.
    SpendHeld,
    /// From held back to what is left.
    FreeHeld,
    /// Onto used, without having been held any more; may go over the limit.
    SpendAnew,
}

/// The answer to an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is so already.
    Stay,
    /// It becomes so.
    Move {
        /// The new state.
        to: State,
        /// What happens to the counters with it.
        change: Change,
    },
}

/// The action does not fit the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the reservation is {}", .0.as_str())]
pub struct WrongState(pub State);

impl State {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Held,
        Self::Confirmed,
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

    /// Whether its units are set aside.
    #[must_use]
    pub const fn holds(self) -> bool {
        matches!(self, Self::Held | Self::Confirmed)
    }

    /// What `action` makes of it. Of settle and release at most one ever succeeds, whatever the
    /// sweeper did in between.
    ///
    /// # Errors
    /// The action does not fit the state.
    pub const fn on(self, action: Action) -> Result<Step, WrongState> {
        let (to, change) = match (action, self) {
            (Action::Confirm, Self::Held) => (Self::Confirmed, Change::Nothing),
            (Action::Confirm, Self::Confirmed | Self::Settled) => return Ok(Step::Stay),
            (Action::Settle, Self::Held | Self::Confirmed) => (Self::Settled, Change::SpendHeld),
            (Action::Settle, Self::Expired) => (Self::Settled, Change::SpendAnew),
            (Action::Settle, Self::Settled) => return Ok(Step::Stay),
            (Action::Release, Self::Held | Self::Confirmed) => (Self::Released, Change::FreeHeld),
            (Action::Release, Self::Expired) => (Self::Released, Change::Nothing),
            (Action::Release, Self::Released) => return Ok(Step::Stay),
            (Action::Expire, Self::Held) => (Self::Expired, Change::FreeHeld),
            (Action::Expire, _) => return Ok(Step::Stay),
            (Action::Confirm, Self::Released | Self::Expired)
            | (Action::Settle, Self::Released)
            | (Action::Release, Self::Settled) => return Err(WrongState(self)),
        };
        Ok(Step::Move { to, change })
    }
}

impl Action {
    /// As it stands in metrics and sentences.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Settle => "settle",
            Self::Release => "release",
            Self::Expire => "expire",
        }
    }
}

/// What is asked for: the reading of it is done, the deciding is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Makes the call safe to repeat.
    pub operation: OperationId,
    /// Whose units.
    pub owner: UserId,
    /// The owner's plan.
    pub plan: Plan,
    /// What and how many (1 to 1,000,000); each meter once.
    pub amounts: Vec<(Meter, i64)>,
}

/// A reservation about to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its id, unless the operation has made one before.
    pub id: ReservationId,
    /// Makes the call safe to repeat.
    pub operation: OperationId,
    /// Tells a repeated call from another one with the same operation id.
    pub request_hash: String,
    /// Whose units.
    pub owner: UserId,
    /// The plan's name.
    pub tier: String,
    /// What to set aside, in locking order.
    pub takes: Vec<Take>,
    /// Now.
    pub created_at: Timestamp,
    /// When it expires unless it is confirmed.
    pub expires_at: Timestamp,
}

/// A reservation an earlier call with the same operation id made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its id.
    pub id: ReservationId,
    /// What it was made from.
    pub request_hash: String,
    /// When; this decides which windows it counts in.
    pub created_at: Timestamp,
    /// When it expires, or would have.
    pub expires_at: Timestamp,
}

impl Ask {
    /// What to set aside at `moment`: one take per limit of each meter, in locking order.
    #[must_use]
    pub fn takes(&self, moment: Timestamp) -> Vec<Take> {
        let mut takes = Vec::new();
        for (meter, amount) in &self.amounts {
            for limit in self.plan.limits_of(*meter) {
                let subject = Subject::user(self.owner);
                takes.push(Take::new(subject, limit, *amount, moment));
            }
        }
        takes.sort_by(|left, right| left.key.cmp(&right.key));
        takes
    }

    /// The reservation this would be.
    #[must_use]
    pub fn draft(&self, id: ReservationId, now: Timestamp, hold: Duration) -> Draft {
        Draft {
            id,
            operation: self.operation,
            request_hash: self.request_hash(),
            owner: self.owner,
            tier: self.plan.name().to_owned(),
            takes: self.takes(now),
            created_at: now,
            expires_at: now.plus(hold),
        }
    }

    // The order of the amounts says nothing, so it must not tell two requests apart.
    fn request_hash(&self) -> String {
        let mut amounts = self.amounts.clone();
        amounts.sort_unstable();
        let mut text = format!("{}\n{}", self.owner, self.plan.name());
        for (meter, amount) in amounts {
            text.push_str(&format!("\n{}={amount}", meter.as_str()));
        }
        URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_units_are_moved_exactly_when_a_reservation_stops_holding() {
        for from in State::ALL {
            for action in [
                Action::Confirm,
                Action::Settle,
                Action::Release,
                Action::Expire,
            ] {
                let Ok(Step::Move { to, change }) = from.on(action) else {
                    continue;
                };
                let moves_held = matches!(change, Change::SpendHeld | Change::FreeHeld);
                assert_eq!(
                    moves_held,
                    from.holds() && !to.holds(),
                    "{from:?} {action:?}"
                );
                let spends = matches!(change, Change::SpendHeld | Change::SpendAnew);
                assert_eq!(spends, to == State::Settled, "{from:?} {action:?}");
            }
        }
    }

    #[test]
    fn settled_and_released_are_for_ever() {
        for state in [State::Settled, State::Released] {
            for action in [
                Action::Confirm,
                Action::Settle,
                Action::Release,
                Action::Expire,
            ] {
                assert!(!matches!(state.on(action), Ok(Step::Move { .. })));
            }
        }
        assert_eq!(
            State::Settled.on(Action::Release),
            Err(WrongState(State::Settled))
        );
        assert_eq!(
            State::Released.on(Action::Settle),
            Err(WrongState(State::Released))
        );
    }

    #[test]
    fn only_the_same_request_has_the_same_hash() {
        let ask = |owner: u128, plan: &str, amount| Ask {
            operation: OperationId(uuid::Uuid::nil()),
            owner: UserId(uuid::Uuid::from_u128(owner)),
            plan: plan.parse().unwrap(),
            amounts: vec![(Meter::Generations, amount)],
        };
        let one = ask(1, "free:5", 1).request_hash();
        // What the plan gives today is not part of the request.
        assert_eq!(one, ask(1, "free:6", 1).request_hash());
        assert_ne!(one, ask(2, "free:5", 1).request_hash());
        assert_ne!(one, ask(1, "pro:5", 1).request_hash());
        assert_ne!(one, ask(1, "free:5", 2).request_hash());
    }
}

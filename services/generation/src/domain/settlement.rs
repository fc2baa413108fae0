//! What becomes of a task's reservation when the task ends: used, given back, or left in suspense.
//!
//! Its owner pays for what was made. What a provider bills without having made anything is paid
//! too, without a generation being counted. What nobody knows about stays set aside, and with it all
//! the task's money: a reservation is resolved once, so what is known of its other attempts waits in
//! their record until somebody knows the rest (decision 0012).

use serde::{Deserialize, Serialize};
use types::{GenerationId, Microusd, ReservationId};

use crate::domain::bill::{Billed, Charge};

/// What was really used. Of tasks that ended before charges were told it is known meter by meter;
/// meters that are absent are used as they were held.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actuals {
    /// What each attempt is paid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charges: Vec<Charge>,
    /// Generations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generations: Option<i64>,
    /// What the provider is paid, in millionths of a US dollar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub microusd: Option<i64>,
    /// Tokens, when the provider counts any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<i64>,
}

/// What a reservation becomes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// Use, of so much.
    Settle(Actuals),
    /// Nothing: all goes back.
    Release,
    /// Its money stays set aside until somebody knows.
    Suspend,
}

/// A call to the usage service about a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// It belongs to a stored task.
    Confirm,
    /// Its task has ended.
    Resolve(Resolution),
}

/// A call that is owed.
#[derive(Debug, Clone)]
pub struct Debt {
    /// Its row.
    pub id: uuid::Uuid,
    /// Which call.
    pub call: Call,
    /// About which reservation.
    pub reservation: ReservationId,
    /// Of which task.
    pub task: GenerationId,
    /// How often it was tried, this time included.
    pub tries: u32,
}

impl Resolution {
    /// Of a task that has ended, by the record of its attempts. `price` is what it was accepted at; a
    /// task from before prices were held has none, and no money is charged for it.
    #[must_use]
    pub fn of(price: Option<Microusd>, attempts: &[Billed]) -> Self {
        let charges: Vec<Charge> = attempts.iter().filter_map(Billed::charge).collect();
        let Some(price) = price else {
            return match charges.iter().any(|one| one.generations > 0) {
                true => Self::Settle(Actuals::default()),
                false => Self::Release,
            };
        };
        // What was accepted for nothing costs nothing.
        if price.0 > 0 && attempts.iter().any(Billed::is_unknown) {
            return Self::Suspend;
        }
        match charges.is_empty() {
            true => Self::Release,
            false => Self::Settle(Actuals {
                charges,
                ..Actuals::default()
            }),
        }
    }

    /// What the work cost.
    #[must_use]
    pub fn cost(&self) -> Microusd {
        let Self::Settle(actuals) = self else {
            return Microusd(0);
        };
        let known = actuals.microusd.unwrap_or(0);
        let charged = actuals.charges.iter().map(|one| one.microusd);
        Microusd(charged.fold(known, i64::saturating_add))
    }
}

impl Call {
    /// As it is stored and shown.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Resolve(Resolution::Settle(_)) => "settle",
            Self::Resolve(Resolution::Release) => "release",
            Self::Resolve(Resolution::Suspend) => "suspend",
        }
    }

    /// Reads what [`Call::as_str`] wrote, with what was really used beside it.
    #[must_use]
    pub fn read(word: &str, actuals: Option<Actuals>) -> Option<Self> {
        match word {
            "confirm" => Some(Self::Confirm),
            "settle" => Some(Self::Resolve(Resolution::Settle(
                actuals.unwrap_or_default(),
            ))),
            "release" => Some(Self::Resolve(Resolution::Release)),
            "suspend" => Some(Self::Resolve(Resolution::Suspend)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::attempt::AttemptState;

    const PRICE: Option<Microusd> = Some(Microusd(40_000));

    fn attempt(number: i64, state: AttemptState, cost: Option<i64>) -> Billed {
        Billed {
            number,
            provider: format!("p{number}"),
            model: "m".to_owned(),
            state,
            cost: cost.map(Microusd),
            tokens: None,
        }
    }

    fn charged(resolution: &Resolution) -> Vec<(i64, i64, i64)> {
        let Resolution::Settle(actuals) = resolution else {
            return Vec::new();
        };
        let charges = actuals.charges.iter();
        charges
            .map(|one| (one.attempt, one.generations, one.microusd))
            .collect()
    }

    #[test]
    fn every_attempt_that_is_billed_is_charged() {
        use AttemptState::{Failed, Succeeded, Unknown};
        let made = attempt(3, Succeeded, Some(39_000));
        let billed = attempt(1, Failed, Some(500));
        let free = attempt(2, Failed, Some(0));
        let all = [billed.clone(), free, made.clone()];
        let settled = Resolution::of(PRICE, &all);
        assert_eq!(charged(&settled), [(1, 0, 500), (3, 1, 39_000)]);
        assert_eq!(settled.cost(), Microusd(39_500));
        // Without a result only the bill; without a bill nothing.
        let failed = Resolution::of(PRICE, &all[..2]);
        assert_eq!(charged(&failed), [(1, 0, 500)]);
        assert_eq!(Resolution::of(PRICE, &all[1..2]), Resolution::Release);
        assert_eq!(Resolution::of(PRICE, &[]), Resolution::Release);
        // A result is told although it was free.
        let gift = attempt(1, Succeeded, Some(0));
        let given = Resolution::of(Some(Microusd(0)), &[gift]);
        assert_eq!(charged(&given), [(1, 1, 0)]);
        // While one is unknown, all of it waits; once it is known, all of it is charged.
        let unknown = attempt(2, Unknown, None);
        let waits = Resolution::of(PRICE, &[billed.clone(), unknown.clone()]);
        assert_eq!(waits, Resolution::Suspend);
        let known = attempt(2, Unknown, Some(40_000));
        let known = Resolution::of(PRICE, &[billed, known]);
        assert_eq!(charged(&known), [(1, 0, 500), (2, 0, 40_000)]);
        assert_eq!(
            Resolution::of(Some(Microusd(0)), std::slice::from_ref(&unknown)),
            Resolution::Release
        );
        // From before prices were held.
        assert_eq!(Resolution::of(None, &[unknown]), Resolution::Release);
        let old = Resolution::of(None, &[made]);
        assert_eq!(old, Resolution::Settle(Actuals::default()));
    }

    #[test]
    fn resolutions_read_back() {
        let made = attempt(1, AttemptState::Succeeded, Some(9));
        let all = [
            Resolution::of(PRICE, &[made]),
            Resolution::Settle(Actuals::default()),
            Resolution::Release,
            Resolution::Suspend,
        ];
        for one in &all {
            let text = serde_json::to_string(one).unwrap();
            assert_eq!(&serde_json::from_str::<Resolution>(&text).unwrap(), one);
        }
        let text = serde_json::to_string(&all[0]).unwrap();
        assert_eq!(
            text,
            r#"{"settle":{"charges":[{"attempt":1,"provider":"p1","model":"m","generations":1,"microusd":9}]}}"#
        );
        // As they were written before charges were told.
        let old = r#"{"settle":{"generations":0,"microusd":9,"tokens":7}}"#;
        let read: Resolution = serde_json::from_str(old).unwrap();
        assert_eq!(read.cost(), Microusd(9));
        assert_eq!(serde_json::to_string(&read).unwrap(), old);
    }
}

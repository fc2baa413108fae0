//! What becomes of a task's reservation when the task ends: used, given back, or left in suspense.
//!
//! Its owner pays for what was made. What a provider bills without having made anything is paid
//! too, without a generation being counted; what nobody knows about stays set aside.

use serde::{Deserialize, Serialize};
use types::{GenerationId, Microusd, ReservationId};

use crate::domain::attempt::{Attempt, AttemptEnd, AttemptState};
use crate::domain::provider::{ErrorClass, ProviderError, Spent};

/// A cost beyond this many times the price is no cost but a mistake: another currency, another unit.
const MOST_TIMES: i64 = 100;
/// Small prices may be wrong by more: up to a dollar a cost is always possible.
const ALWAYS_POSSIBLE: i64 = 1_000_000;
/// The most units one meter of a reservation may have.
const MOST_TOKENS: u64 = 1_000_000_000_000;

/// What a provider takes for an attempt that brought no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bill {
    /// Surely nothing.
    Nothing,
    /// What it says.
    Known(Spent),
    /// Nobody knows.
    Unknown,
}

/// What was really used, meter by meter; those that are absent are used as they were held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actuals {
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

impl Bill {
    /// What an error means for the bill. An answer that is no result may have been work all the
    /// same; so may silence.
    #[must_use]
    pub fn of(error: &ProviderError) -> Self {
        match (error.spent.cost, error.class) {
            (Some(Microusd(0)), _) => Self::Nothing,
            (Some(_), _) => Self::Known(error.spent),
            (None, ErrorClass::InvalidOutput | ErrorClass::Ambiguous) => Self::Unknown,
            (None, _) => Self::Nothing,
        }
    }
}

/// What a provider says it takes, as far as that can be true; else `price`, for which the work was
/// accepted. More than the price is believed: the difference is the platform's loss.
#[must_use]
pub fn believed(said: Option<Microusd>, price: Microusd) -> Microusd {
    let most = price.0.saturating_mul(MOST_TIMES).max(ALWAYS_POSSIBLE);
    match said {
        Some(cost) if (0..=most).contains(&cost.0) => cost,
        Some(cost) => {
            metrics::counter!("generation_costs_disbelieved_total").increment(1);
            tracing::error!(
                cost_microusd = cost.0,
                price_microusd = price.0,
                "a provider tells a cost that cannot be right; the price stands"
            );
            price
        }
        None => price,
    }
}

impl Resolution {
    /// Of a task with a result. `price` is what it was accepted at; a task from before prices were
    /// held has none, and no money is charged for it.
    #[must_use]
    pub fn completed(price: Option<Microusd>, cost: Microusd, tokens: Option<u64>) -> Self {
        Self::Settle(Actuals {
            generations: None,
            microusd: price.map(|_| cost.0),
            tokens: counted(tokens),
        })
    }

    /// Of a task that failed; `end` is how its attempt under way ended, if one was.
    #[must_use]
    pub fn failed(price: Option<Microusd>, end: Option<&AttemptEnd>) -> Self {
        let Some((price, end)) = price.zip(end) else {
            return Self::Release;
        };
        match end.bill {
            Bill::Nothing => Self::Release,
            Bill::Known(spent) => without_result(believed(spent.cost, price), spent.tokens),
            // What was accepted for nothing costs nothing.
            Bill::Unknown if price.0 == 0 => Self::Release,
            Bill::Unknown => Self::Suspend,
        }
    }

    /// Of a task its owner ended; `last` is its last attempt. An order that has left will be done
    /// and billed, whoever still wants it.
    #[must_use]
    pub fn cancelled(price: Option<Microusd>, last: Option<&Attempt>) -> Self {
        let Some((price, last)) = price.zip(last) else {
            return Self::Release;
        };
        match last.state {
            AttemptState::Sent | AttemptState::Accepted => {
                let said = last.job.as_ref().and_then(|job| job.cost_microusd);
                without_result(believed(said.map(Microusd), price), None)
            }
            AttemptState::Unknown if price.0 > 0 => Self::Suspend,
            _ => Self::Release,
        }
    }

    /// What the work cost.
    #[must_use]
    pub fn cost(self) -> Microusd {
        match self {
            Self::Settle(actuals) => Microusd(actuals.microusd.unwrap_or(0)),
            Self::Release | Self::Suspend => Microusd(0),
        }
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

fn without_result(cost: Microusd, tokens: Option<u64>) -> Resolution {
    if cost.0 == 0 {
        return Resolution::Release;
    }
    Resolution::Settle(Actuals {
        generations: Some(0),
        microusd: Some(cost.0),
        tokens: counted(tokens),
    })
}

fn counted(tokens: Option<u64>) -> Option<i64> {
    let tokens = tokens.filter(|tokens| *tokens <= MOST_TOKENS)?;
    i64::try_from(tokens).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provider::Job;

    const PRICE: Microusd = Microusd(40_000);

    fn error(class: ErrorClass, cost: Option<i64>) -> ProviderError {
        ProviderError {
            class,
            message: String::new(),
            detail: String::new(),
            retry_after: None,
            spent: Spent {
                cost: cost.map(Microusd),
                tokens: Some(7),
            },
        }
    }

    fn paid(cost: i64, tokens: Option<i64>) -> Resolution {
        Resolution::Settle(Actuals {
            generations: Some(0),
            microusd: Some(cost),
            tokens,
        })
    }

    #[test]
    fn a_cost_is_believed_within_reason() {
        for (said, want) in [
            (None, 40_000),
            (Some(0), 0),
            (Some(39_000), 39_000),
            // Three times the price is the platform's loss, not a mistake.
            (Some(120_000), 120_000),
            (Some(4_000_000), 4_000_000),
            (Some(4_000_001), 40_000),
            (Some(-1), 40_000),
            (Some(i64::MIN), 40_000),
            (Some(i64::MAX), 40_000),
        ] {
            assert_eq!(
                believed(said.map(Microusd), PRICE),
                Microusd(want),
                "{said:?}"
            );
        }
        assert_eq!(
            believed(Some(Microusd(i64::MAX)), Microusd(i64::MAX)).0,
            i64::MAX
        );
    }

    #[test]
    fn a_failure_costs_what_its_provider_says() {
        let failed = |class, cost| {
            let end = AttemptEnd::of(1, &error(class, cost));
            Resolution::failed(Some(PRICE), Some(&end))
        };
        for class in [
            ErrorClass::Invalid,
            ErrorClass::Policy,
            ErrorClass::RateLimited,
            ErrorClass::Account,
            ErrorClass::Unavailable,
        ] {
            assert_eq!(failed(class, None), Resolution::Release);
            assert_eq!(failed(class, Some(9)), paid(9, Some(7)));
        }
        for class in [ErrorClass::InvalidOutput, ErrorClass::Ambiguous] {
            assert_eq!(failed(class, None), Resolution::Suspend);
            assert_eq!(failed(class, Some(0)), Resolution::Release);
            assert_eq!(failed(class, Some(9)), paid(9, Some(7)));
            assert_eq!(failed(class, Some(-9)), paid(40_000, Some(7)));
        }
        assert_eq!(Resolution::failed(Some(PRICE), None), Resolution::Release);
        let silence = AttemptEnd::unknown(1, "");
        assert_eq!(
            Resolution::failed(None, Some(&silence)),
            Resolution::Release
        );
        let free = Resolution::failed(Some(Microusd(0)), Some(&silence));
        assert_eq!(free, Resolution::Release);
    }

    #[test]
    fn cancelling_is_free_until_the_order_leaves() {
        let cancelled = |state, cost: Option<i64>| {
            let job = cost.map(|cost| Job {
                id: "j".to_owned(),
                poll_url: None,
                cost_microusd: Some(cost),
            });
            let last = Attempt {
                number: 1,
                state,
                job,
                sent_at: None,
            };
            Resolution::cancelled(Some(PRICE), Some(&last))
        };
        assert_eq!(
            Resolution::cancelled(Some(PRICE), None),
            Resolution::Release
        );
        for state in [AttemptState::Planned, AttemptState::Failed] {
            assert_eq!(cancelled(state, None), Resolution::Release);
        }
        assert_eq!(cancelled(AttemptState::Sent, None), paid(40_000, None));
        assert_eq!(
            cancelled(AttemptState::Accepted, Some(14_000)),
            paid(14_000, None)
        );
        assert_eq!(
            cancelled(AttemptState::Accepted, Some(-3)),
            paid(40_000, None)
        );
    }

    #[test]
    fn resolutions_read_back() {
        let all = [
            Resolution::completed(Some(PRICE), Microusd(9), Some(7)),
            Resolution::completed(None, Microusd(9), Some(u64::MAX)),
            Resolution::Release,
            Resolution::Suspend,
        ];
        for one in all {
            let text = serde_json::to_string(&one).unwrap();
            assert_eq!(serde_json::from_str::<Resolution>(&text).unwrap(), one);
        }
        assert_eq!(all[1], Resolution::Settle(Actuals::default()));
        let text = serde_json::to_string(&all[0]).unwrap();
        assert_eq!(text, r#"{"settle":{"microusd":9,"tokens":7}}"#);
    }
}

//! What providers take for attempts: what is believed of it, and who is paid for which.

use serde::{Deserialize, Serialize};
use types::Microusd;

use crate::domain::attempt::AttemptState;
use crate::domain::provider::{ErrorClass, ProviderError};

/// A cost beyond this many times the price is no cost but a mistake: another currency, another unit.
const MOST_TIMES: i64 = 100;
/// Small prices may be wrong by more: up to a dollar a cost is always possible.
const ALWAYS_POSSIBLE: i64 = 1_000_000;
/// The most units one meter of a reservation may have.
const MOST_TOKENS: u64 = 1_000_000_000_000;

/// What an attempt came to, as its record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Billed {
    /// Its number.
    pub number: i64,
    /// Who was asked.
    pub provider: String,
    /// With which model.
    pub model: String,
    /// How it ended.
    pub state: AttemptState,
    /// What its provider takes; none while nobody knows.
    pub cost: Option<Microusd>,
    /// Tokens it took, when the provider counts any.
    pub tokens: Option<i64>,
}

/// What an attempt is paid: one record of the usage service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Charge {
    /// Its number.
    pub attempt: i64,
    /// Who is paid.
    pub provider: String,
    /// With which model it worked.
    pub model: String,
    /// The generations it made: 1, or 0.
    pub generations: i64,
    /// What the provider is paid, in millionths of a US dollar.
    pub microusd: i64,
    /// Tokens it took, when the provider counts any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<i64>,
}

impl Billed {
    /// Whether nobody knows what its provider takes.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.state == AttemptState::Unknown && self.cost.is_none()
    }

    /// What is paid for it; none when that is nothing. A result is told even if it was free.
    #[must_use]
    pub fn charge(&self) -> Option<Charge> {
        let has_result = self.state == AttemptState::Succeeded;
        let cost = self.cost.unwrap_or(Microusd(0));
        (has_result || cost.0 > 0).then(|| Charge {
            attempt: self.number,
            provider: self.provider.clone(),
            model: self.model.clone(),
            generations: i64::from(has_result),
            microusd: cost.0,
            tokens: self.tokens,
        })
    }
}

/// What an error means for the bill; none when nobody knows. An answer that is no result may have
/// been work all the same; so may silence.
#[must_use]
pub fn cost_of_failure(error: &ProviderError, price: Microusd) -> Option<Microusd> {
    match (error.spent.cost, error.class) {
        (Some(_), _) => Some(believed(error.spent.cost, price)),
        (None, ErrorClass::InvalidOutput | ErrorClass::Ambiguous) => None,
        (None, _) => Some(Microusd(0)),
    }
}

/// What a provider says it takes, as far as that can be true; else `price`, for which the work was
/// accepted. More than the price is believed: the difference is the platform's loss.
#[must_use]
pub fn believed(said: Option<Microusd>, price: Microusd) -> Microusd {
    match said {
        Some(cost) if is_possible(cost, price) => cost,
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

fn is_possible(cost: Microusd, price: Microusd) -> bool {
    let most = price.0.saturating_mul(MOST_TIMES).max(ALWAYS_POSSIBLE);
    (0..=most).contains(&cost.0)
}

/// Tokens a provider counts, as far as that can be true.
#[must_use]
pub fn counted(tokens: Option<u64>) -> Option<i64> {
    let tokens = tokens.filter(|tokens| *tokens <= MOST_TOKENS)?;
    i64::try_from(tokens).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provider::Spent;

    const PRICE: Microusd = Microusd(40_000);

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
            let cost = believed(said.map(Microusd), PRICE);
            assert_eq!(cost, Microusd(want), "{said:?}");
        }
        let most = Microusd(i64::MAX);
        assert_eq!(believed(Some(most), most), most);
    }

    #[test]
    fn a_failure_costs_what_its_provider_says() {
        let cost = |class, cost: Option<i64>| {
            let error = ProviderError {
                class,
                message: String::new(),
                detail: String::new(),
                retry_after: None,
                spent: Spent {
                    cost: cost.map(Microusd),
                    tokens: Some(7),
                },
            };
            cost_of_failure(&error, PRICE).map(|cost| cost.0)
        };
        for class in [
            ErrorClass::Invalid,
            ErrorClass::Policy,
            ErrorClass::RateLimited,
            ErrorClass::Account,
            ErrorClass::Unavailable,
        ] {
            assert_eq!(cost(class, None), Some(0));
            assert_eq!(cost(class, Some(9)), Some(9));
        }
        for class in [ErrorClass::InvalidOutput, ErrorClass::Ambiguous] {
            assert_eq!(cost(class, None), None);
            assert_eq!(cost(class, Some(0)), Some(0));
            assert_eq!(cost(class, Some(-9)), Some(40_000));
        }
    }
}

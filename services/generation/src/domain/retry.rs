//! How long to rest before a task is tried again, and how often.

use std::time::Duration;

use uuid::Uuid;

use crate::domain::provider::{ErrorClass, ProviderError};

/// How often a provider is asked for one task.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// At most this often.
    pub max_sends: u32,
    /// The rest after the first failure; it doubles with each.
    pub first_rest: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            max_sends: 3,
            first_rest: Duration::from_secs(1),
        }
    }
}

impl Retry {
    /// How long to rest after `error`, the task's `sends`-th; none when it is final.
    #[must_use]
    pub fn rest(&self, error: &ProviderError, sends: u32) -> Option<Duration> {
        let is_passing = matches!(
            error.class,
            ErrorClass::RateLimited | ErrorClass::Unavailable
        );
        if !is_passing || sends >= self.max_sends {
            return None;
        }
        Some(
            error
                .retry_after
                .unwrap_or_else(|| backoff(self.first_rest, sends)),
        )
    }
}

/// `first`, doubled for every try after the first, at most 64 times `first`, and up to a quarter
/// more: those who failed together do not come back together.
#[must_use]
pub fn backoff(first: Duration, tries: u32) -> Duration {
    let rest = first * (1 << tries.saturating_sub(1).min(6));
    rest + rest.mul_f64(random_share() / 4.0)
}

fn random_share() -> f64 {
    let [.., high, low] = *Uuid::new_v4().as_bytes();
    f64::from(u16::from_be_bytes([high, low])) / f64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provider::Spent;

    fn error(class: ErrorClass, retry_after: Option<Duration>) -> ProviderError {
        ProviderError {
            class,
            message: String::new(),
            detail: String::new(),
            retry_after,
            spent: Spent::default(),
        }
    }

    #[test]
    fn rests_one_two_four_seconds_and_a_little() {
        let retry = Retry {
            max_sends: 4,
            ..Retry::default()
        };
        for (sends, seconds) in [(1, 1), (2, 2), (3, 4)] {
            let rest = retry.rest(&error(ErrorClass::Unavailable, None), sends);
            let rest = rest.unwrap().as_millis();
            assert!(
                (seconds * 1_000..=seconds * 1_250).contains(&rest),
                "{rest}"
            );
        }
        assert_eq!(retry.rest(&error(ErrorClass::Unavailable, None), 4), None);
    }

    #[test]
    fn a_hint_goes_before_the_schedule_and_final_errors_before_both() {
        let retry = Retry::default();
        let hint = Some(Duration::from_secs(7));
        assert_eq!(retry.rest(&error(ErrorClass::RateLimited, hint), 1), hint);
        for class in [
            ErrorClass::Invalid,
            ErrorClass::Policy,
            ErrorClass::Account,
            ErrorClass::InvalidOutput,
            ErrorClass::Ambiguous,
        ] {
            assert_eq!(retry.rest(&error(class, hint), 1), None);
        }
    }
}

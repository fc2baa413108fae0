//! Leaves providers alone that failed lately, so that orders go elsewhere or wait.
//!
//! It lives in the process: every process learns for itself, and forgets when it stops.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use types::{Clock, Timestamp};

use crate::domain::provider::{ErrorClass, ProviderError};

// A refused key or an empty account does not mend itself in seconds.
const ACCOUNT_REST: Duration = Duration::from_secs(300);
const UNAVAILABLE_REST: Duration = Duration::from_secs(30);
const UNAVAILABLE_LIMIT: u32 = 3;

#[derive(Debug, Default)]
struct Record {
    failures: u32,
    until: Option<Timestamp>,
}

/// What is remembered of each provider.
pub struct Cooling {
    clock: Arc<dyn Clock>,
    // Bounded: one record per provider, and providers are named by configuration.
    records: Mutex<HashMap<String, Record>>,
}

impl Cooling {
    /// Nothing remembered yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            records: Mutex::default(),
        }
    }

    /// Remembers that a provider answered as it should.
    pub fn succeeded(&self, provider: &str) {
        self.with(provider, |record| record.failures = 0);
    }

    /// Remembers that it did not.
    pub fn failed(&self, provider: &str, error: &ProviderError) {
        let now = self.clock.now();
        self.with(provider, |record| {
            let rest = match error.class {
                ErrorClass::Account => Some(ACCOUNT_REST),
                ErrorClass::RateLimited => error.retry_after,
                ErrorClass::Unavailable => {
                    record.failures += 1;
                    let worn_out = record.failures >= UNAVAILABLE_LIMIT;
                    error.retry_after.max(worn_out.then_some(UNAVAILABLE_REST))
                }
                // These tell about one order, not about the provider.
                ErrorClass::Invalid
                | ErrorClass::Policy
                | ErrorClass::InvalidOutput
                | ErrorClass::Ambiguous => None,
            };
            if let Some(rest) = rest {
                record.until = record.until.max(Some(now.plus(rest)));
            }
        });
    }

    /// When a provider takes work again, if it is left alone now.
    #[must_use]
    pub fn until(&self, provider: &str) -> Option<Timestamp> {
        let now = self.clock.now();
        self.with(provider, |record| record.until.filter(|until| *until > now))
    }

    /// The providers left alone now.
    #[must_use]
    pub fn resting(&self) -> Vec<String> {
        let now = self.clock.now();
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let resting = records
            .iter()
            .filter(|(_, record)| record.until > Some(now));
        resting.map(|(name, _)| name.clone()).collect()
    }

    fn with<T>(&self, provider: &str, act: impl FnOnce(&mut Record) -> T) -> T {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        act(records.entry(provider.to_owned()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provider::Spent;

    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            Timestamp(1_000_000)
        }
    }

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
    fn the_third_failure_in_a_row_rests_a_provider() {
        let cooling = Cooling::new(Arc::new(Noon));
        let away = error(ErrorClass::Unavailable, None);
        cooling.failed("a", &away);
        cooling.failed("a", &away);
        cooling.succeeded("a");
        cooling.failed("a", &away);
        cooling.failed("a", &away);
        assert_eq!(cooling.until("a"), None);
        cooling.failed("a", &away);
        assert_eq!(cooling.until("a"), Some(Timestamp(31_000_000)));
        assert_eq!(cooling.resting(), ["a"]);
    }

    #[test]
    fn hints_and_refused_accounts_rest_it_at_once() {
        let cooling = Cooling::new(Arc::new(Noon));
        let hint = Some(Duration::from_secs(7));
        cooling.failed("a", &error(ErrorClass::RateLimited, hint));
        assert_eq!(cooling.until("a"), Some(Timestamp(8_000_000)));
        cooling.failed("b", &error(ErrorClass::Account, None));
        assert_eq!(cooling.until("b"), Some(Timestamp(301_000_000)));
        cooling.failed("c", &error(ErrorClass::Policy, None));
        assert_eq!(cooling.until("c"), None);
    }
}

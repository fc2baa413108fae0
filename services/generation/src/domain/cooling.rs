//! Leaves providers alone that failed lately, so that orders go elsewhere or wait, and lets one order try
//! them when their rest is over.
//!
//! What is known of them is one row each, in the database's clock, so that all processes know it: workers
//! read the rows when they claim. This process keeps a copy for those who only look.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use types::{Clock, Timestamp};

use crate::domain::error::Error;
use crate::domain::provider::{ErrorClass, ProviderError};
use crate::domain::routing::Limits;

// A refused key or an empty account does not mend itself in seconds.
const ACCOUNT_REST: Duration = Duration::from_secs(300);
const UNAVAILABLE_REST: Duration = Duration::from_secs(30);
const UNAVAILABLE_LIMIT: i64 = 3;
// An order that tries whether a provider is back, and is not heard of for so long, is followed by another.
const PROBE: Duration = Duration::from_secs(60);

/// What is known of a provider; moments in microseconds by the database's clock, 0 for none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Health {
    /// Which.
    pub name: String,
    /// Failures in a row.
    pub failures: i64,
    /// Until when it is left alone. Past and not 0: one order at a time tries whether it is back.
    pub cool_until: i64,
    /// Until when nobody else tries.
    pub probe_until: i64,
    /// When its rate expects the next order.
    pub next_at: i64,
}

/// What an answer, or its absence, says about a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observation {
    /// It works.
    Works,
    /// It is failing; perhaps it says for how long.
    Fails(Option<Duration>),
    /// It wants to be left alone for so long.
    Rests(Duration),
}

/// Where it is kept.
#[async_trait]
pub trait Healths: Send + Sync + 'static {
    /// What is known of all, and the database's now.
    async fn healths(&self) -> Result<(Vec<Health>, i64), Error>;

    /// Writes an observation down; answers what is known then, and the database's now.
    async fn observe(&self, provider: &str, seen: Observation) -> Result<(Health, i64), Error>;
}

impl Observation {
    /// What an error says about its provider; none when it tells about one order only.
    #[must_use]
    pub fn of(error: &ProviderError) -> Option<Self> {
        match error.class {
            ErrorClass::Account => Some(Self::Rests(ACCOUNT_REST)),
            ErrorClass::RateLimited => error.retry_after.map(Self::Rests),
            ErrorClass::Unavailable => Some(Self::Fails(error.retry_after)),
            // Whoever refuses is there.
            ErrorClass::Invalid | ErrorClass::Policy => Some(Self::Works),
            ErrorClass::InvalidOutput | ErrorClass::Ambiguous => None,
        }
    }
}

impl Health {
    /// What is known after this.
    #[must_use]
    pub fn after(mut self, seen: Observation, now: i64) -> Self {
        let rest = match seen {
            Observation::Works => {
                self.failures = 0;
                if self.cool_until <= now {
                    self.cool_until = 0;
                    self.probe_until = 0;
                }
                None
            }
            Observation::Rests(rest) => Some(rest),
            Observation::Fails(hint) => {
                self.failures += 1;
                let is_worn_out = self.failures >= UNAVAILABLE_LIMIT || self.cool_until > 0;
                hint.max(is_worn_out.then_some(UNAVAILABLE_REST))
            }
        };
        if let Some(rest) = rest {
            self.cool_until = self.cool_until.max(later(now, rest));
            self.probe_until = 0;
        }
        self
    }

    /// How many more orders may be sent to it now; none for any number.
    #[must_use]
    pub fn room(&self, limits: Limits, now: i64) -> Option<u64> {
        let by_rate = limits.rate.map(|rate| rate.slots(self.next_at, now));
        let by_health = match self.cool_until {
            0 => None,
            until if until > now || self.probe_until > now => Some(0),
            _ => Some(1),
        };
        by_rate.into_iter().chain(by_health).min()
    }

    /// What is known once so many more are sent now.
    #[must_use]
    pub fn sending(mut self, count: u64, limits: Limits, now: i64) -> Self {
        if let Some(rate) = limits.rate {
            self.next_at = rate.after(self.next_at, now, count);
        }
        if self.cool_until > 0 {
            self.probe_until = later(now, PROBE);
        }
        self
    }
}

fn later(now: i64, rest: Duration) -> i64 {
    Timestamp(now).plus(rest).micros()
}

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    is_troubled: bool,
    until: Option<Timestamp>,
}

/// What this process last heard of each provider.
pub struct Cooling {
    clock: Arc<dyn Clock>,
    kept: Arc<dyn Healths>,
    // Bounded: one record per provider, and providers are named by configuration.
    seen: Mutex<HashMap<String, Seen>>,
}

impl Cooling {
    /// Nothing heard yet.
    pub fn new(clock: Arc<dyn Clock>, kept: Arc<dyn Healths>) -> Self {
        Self {
            clock,
            kept,
            seen: Mutex::default(),
        }
    }

    /// A provider answered as it should.
    pub async fn succeeded(&self, provider: &str) {
        // While all is well there is nothing to write.
        if self.with(provider, |seen| seen.is_troubled) {
            self.observe(provider, Observation::Works).await;
        }
    }

    /// It did not.
    pub async fn failed(&self, provider: &str, error: &ProviderError) {
        match Observation::of(error) {
            None => {}
            Some(Observation::Works) => self.succeeded(provider).await,
            Some(seen) => self.observe(provider, seen).await,
        }
    }

    /// Hears what other processes have seen.
    ///
    /// # Errors
    /// The store does not answer; then what was heard before stands.
    pub async fn refresh(&self) -> Result<(), Error> {
        let (healths, now) = self.kept.healths().await?;
        for health in healths {
            self.remember(&health, now);
        }
        Ok(())
    }

    /// When a provider takes work again, if it is left alone now.
    #[must_use]
    pub fn until(&self, provider: &str) -> Option<Timestamp> {
        let now = self.clock.now();
        self.with(provider, |seen| seen.until.filter(|until| *until > now))
    }

    async fn observe(&self, provider: &str, seen: Observation) {
        match self.kept.observe(provider, seen).await {
            Ok((health, now)) => self.remember(&health, now),
            // It fails again, if it does.
            Err(error) => {
                tracing::warn!(provider.name = provider, error = %error, "how a provider is was not kept");
            }
        }
    }

    fn remember(&self, health: &Health, now: i64) {
        let left = Timestamp(health.cool_until).since(Timestamp(now));
        let until = (!left.is_zero()).then(|| self.clock.now().plus(left));
        let is_troubled = health.failures > 0 || health.cool_until > 0;
        self.with(&health.name, |seen| *seen = Seen { is_troubled, until });
    }

    fn with<T>(&self, provider: &str, act: impl FnOnce(&mut Seen) -> T) -> T {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        act(seen.entry(provider.to_owned()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provider::Spent;

    const SECOND: i64 = 1_000_000;

    fn error(class: ErrorClass, retry_after: Option<Duration>) -> Observation {
        let error = ProviderError {
            class,
            message: String::new(),
            detail: String::new(),
            retry_after,
            spent: Spent::default(),
        };
        Observation::of(&error).unwrap()
    }

    #[test]
    fn the_third_failure_in_a_row_rests_a_provider() {
        let away = error(ErrorClass::Unavailable, None);
        let twice = Health::default().after(away, 1).after(away, 1);
        let again = twice
            .after(Observation::Works, 1)
            .after(away, 1)
            .after(away, 1);
        assert_eq!((again.failures, again.cool_until), (2, 0));
        let worn = again.after(away, 1);
        assert_eq!(worn.cool_until, 30 * SECOND + 1);
    }

    #[test]
    fn hints_and_refused_accounts_rest_it_at_once() {
        let after = |class, hint| Health::default().after(error(class, hint), 0).cool_until;
        let hint = Some(Duration::from_secs(7));
        assert_eq!(after(ErrorClass::RateLimited, hint), 7 * SECOND);
        assert_eq!(after(ErrorClass::Unavailable, hint), 7 * SECOND);
        assert_eq!(after(ErrorClass::Account, None), 300 * SECOND);
        assert_eq!(after(ErrorClass::Policy, None), 0);
    }

    #[test]
    fn after_its_rest_one_order_tries() {
        let limits = Limits::default();
        let rests = Observation::Rests(Duration::from_secs(5));
        let cooled = Health::default().after(rests, 0);
        let room = |health: &Health, now| health.room(limits, now);
        assert_eq!(room(&cooled, 5 * SECOND - 1), Some(0));
        assert_eq!(room(&cooled, 5 * SECOND), Some(1));
        let trying = cooled.sending(1, limits, 5 * SECOND);
        assert_eq!(room(&trying, 64 * SECOND), Some(0));
        // Whoever tried is not heard of: another may.
        assert_eq!(room(&trying, 65 * SECOND), Some(1));
        // An answer to an order from before tells that it works; a failure, that it does not.
        let back = trying.clone().after(Observation::Works, 6 * SECOND);
        assert_eq!((room(&back, 6 * SECOND), back.cool_until), (None, 0));
        let away = trying.after(error(ErrorClass::Unavailable, None), 6 * SECOND);
        assert_eq!(away.cool_until, 36 * SECOND);
        // While it rests, an answer to an order from before does not end its rest.
        let still = away.after(Observation::Works, 7 * SECOND);
        assert_eq!(room(&still, 7 * SECOND), Some(0));
    }
}

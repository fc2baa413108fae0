//! The pace of spending and its brake: when money goes out far faster than it usually does, paid work
//! is paused until an operator looks.

use std::sync::Arc;

use async_trait::async_trait;
use types::{Clock, IdSource, Microusd, Timestamp};
use uuid::Uuid;

use super::alert::{Alert, AlertKind};
use super::error::Error;

/// So many minutes are compared with what is usual.
pub const RECENT_MINUTES: i64 = 10;
/// So many minutes before them say what is usual: seven days.
pub const USUAL_MINUTES: i64 = 7 * 24 * 60;

const MINUTE: i64 = 60_000_000;

/// When spending counts as unusual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Breaker {
    /// At how many times the usual; 0 for never.
    pub factor: f64,
    /// Never below so much in the last minutes.
    pub floor: Microusd,
}

/// What was spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rate {
    /// In the last ten minutes.
    pub recent: Microusd,
    /// In ten minutes of the seven days before, in the mean.
    pub usual: Microusd,
}

/// A stop to paid work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// UUIDv7.
    pub id: Uuid,
    /// For people.
    pub reason: String,
    /// Since when.
    pub at: Timestamp,
    /// Who: a user's id, or `usage` for the breaker.
    pub by: String,
}

/// How fast money is spent.
#[derive(Debug, Clone, PartialEq)]
pub struct Spending {
    /// What was spent.
    pub rate: Rate,
    /// Set while paid work is paused.
    pub stop: Option<Stop>,
    /// When it is paused by itself.
    pub breaker: Breaker,
}

/// Keeps what was spent, and whether paid work is paused.
#[async_trait]
pub trait SpendingStore: Send + Sync + 'static {
    /// What was spent from minute `first` on up to, and without, minute `end`.
    async fn spent(&self, first: i64, end: i64) -> Result<i64, Error>;

    /// The pause that is in force.
    async fn stop(&self) -> Result<Option<Stop>, Error>;

    /// Pauses paid work, unless it is paused.
    async fn pause(&self, stop: &Stop) -> Result<(), Error>;

    /// Resumes paid work, if it is paused, and takes the breaker's load off until the rate was usual
    /// once.
    async fn resume(&self, id: Uuid, by: &str, now: Timestamp) -> Result<(), Error>;

    /// Whether the breaker may trip.
    async fn is_armed(&self) -> Result<bool, Error>;

    /// The rate was usual: the breaker may trip again.
    async fn arm(&self) -> Result<(), Error>;

    /// Trips the breaker, once however many ask: pauses paid work and lets an alert go off. Whether
    /// it was this call.
    async fn trip(&self, stop: &Stop, alert: &Alert) -> Result<bool, Error>;

    /// Forgets minutes before `minute`.
    async fn forget(&self, minute: i64) -> Result<(), Error>;
}

/// The use cases of spending.
#[derive(Clone)]
pub struct Brake {
    store: Arc<dyn SpendingStore>,
    breaker: Breaker,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

impl Breaker {
    /// Whether money is spent unusually fast.
    #[must_use]
    pub fn is_over(self, rate: Rate) -> bool {
        #[expect(
            clippy::cast_precision_loss,
            reason = "nobody sets a limit that exactly"
        )]
        let limit = rate.usual.0 as f64 * self.factor;
        #[expect(clippy::cast_precision_loss, reason = "as above")]
        let is_fast = rate.recent.0 as f64 > limit;
        self.factor > 0.0 && rate.recent >= self.floor && is_fast
    }
}

impl Brake {
    /// The brake of this store.
    #[must_use]
    pub fn new(
        store: Arc<dyn SpendingStore>,
        breaker: Breaker,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Self {
        Self {
            store,
            breaker,
            clock,
            ids,
        }
    }

    /// How fast money is spent, and whether paid work is paused.
    ///
    /// # Errors
    /// The books do not answer.
    pub async fn look(&self) -> Result<Spending, Error> {
        Ok(Spending {
            rate: self.rate().await?,
            stop: self.store.stop().await?,
            breaker: self.breaker,
        })
    }

    /// Pauses paid work; it stays as it is when it is paused.
    ///
    /// # Errors
    /// The books do not answer.
    pub async fn pause(&self, reason: &str, by: &str) -> Result<Spending, Error> {
        let stop = self.new_stop(reason.to_owned(), by);
        self.store.pause(&stop).await?;
        self.look().await
    }

    /// Resumes paid work.
    ///
    /// # Errors
    /// The books do not answer.
    pub async fn resume(&self, by: &str) -> Result<Spending, Error> {
        let now = self.clock.now();
        self.store.resume(self.ids.next(), by, now).await?;
        self.look().await
    }

    /// Looks whether money is spent unusually fast, and pauses paid work when it is. Whether it did.
    ///
    /// # Errors
    /// The books do not answer.
    pub async fn watch(&self) -> Result<bool, Error> {
        if self.breaker.factor <= 0.0 {
            return Ok(false);
        }
        let (rate, is_armed) = (self.rate().await?, self.store.is_armed().await?);
        match (self.breaker.is_over(rate), is_armed) {
            (true, true) => self.trip(rate).await,
            (false, false) => {
                self.store.arm().await?;
                Ok(false)
            }
            (true, false) | (false, true) => Ok(false),
        }
    }

    /// Forgets what is too old to say what is usual.
    ///
    /// # Errors
    /// The books do not answer.
    pub async fn forget(&self) -> Result<(), Error> {
        self.store
            .forget(self.minute() - USUAL_MINUTES - 24 * 60)
            .await
    }

    async fn trip(&self, rate: Rate) -> Result<bool, Error> {
        let reason = format!(
            "{} was spent in {RECENT_MINUTES} minutes, where {} is usual",
            rate.recent, rate.usual
        );
        let stop = self.new_stop(reason, "usage");
        let alert = Alert {
            id: self.ids.next(),
            kind: AlertKind::SpendingPaused,
            dedupe: format!("spending:{}", stop.id),
            message: format!(
                "paid work is paused: {}; an operator resumes it",
                stop.reason
            ),
            budget: None,
            percent: 0,
            amount: rate.recent.0,
            limit: rate.usual.0,
            window_start: None,
            created_at: stop.at,
        };
        self.store.trip(&stop, &alert).await
    }

    fn new_stop(&self, reason: String, by: &str) -> Stop {
        Stop {
            id: self.ids.next(),
            reason,
            at: self.clock.now(),
            by: by.to_owned(),
        }
    }

    async fn rate(&self) -> Result<Rate, Error> {
        let end = self.minute() + 1;
        let begin = end - RECENT_MINUTES;
        let recent = self.store.spent(begin, end).await?;
        let before = self.store.spent(begin - USUAL_MINUTES, begin).await?;
        Ok(Rate {
            recent: Microusd(recent),
            usual: Microusd(before / (USUAL_MINUTES / RECENT_MINUTES)),
        })
    }

    fn minute(&self) -> i64 {
        self.clock.now().micros().div_euclid(MINUTE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOLLAR: i64 = 1_000_000;

    #[test]
    fn trips_over_the_factor_and_the_floor() {
        let breaker = Breaker {
            factor: 10.0,
            floor: Microusd(5 * DOLLAR),
        };
        let is_over = |recent, usual| {
            breaker.is_over(Rate {
                recent: Microusd(recent),
                usual: Microusd(usual),
            })
        };
        assert!(is_over(11 * DOLLAR, DOLLAR));
        assert!(!is_over(10 * DOLLAR, DOLLAR));
        assert!(is_over(5 * DOLLAR, 0));
        assert!(!is_over(5 * DOLLAR - 1, 0));
        assert!(!is_over(0, 0));
        let off = Breaker {
            factor: 0.0,
            ..breaker
        };
        assert!(!off.is_over(Rate {
            recent: Microusd(i64::MAX),
            usual: Microusd(0)
        }));
    }
}

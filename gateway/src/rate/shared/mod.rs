//! The limiter of all processes that use one Redis: one script, one round trip, all buckets or none.

mod link;

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{RedisError, Script};
use tokio::task::AbortHandle;

use super::{Bucket, Gcra, Limiter, RedisSettings, Verdict};
use link::Link;

/// How long the start waits for a store that may not be there.
const AT_THE_START: Duration = Duration::from_millis(500);

/// The counts cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreAway {
    /// It was away a moment ago, so nobody asked.
    #[error("redis is away")]
    Known,
    /// It took longer than the budget.
    #[error("redis did not answer in time")]
    Late,
    /// It cannot be reached, or cannot do its work: READONLY, LOADING, OOM, BUSY.
    #[error("redis refuses: {0}")]
    Refuses(String),
}

/// Counts in Redis. The first request that finds it away says so to all others, and a task in the
/// background asks until it is back.
pub struct Shared {
    link: Arc<Link>,
    keeper: AbortHandle,
}

impl Shared {
    /// Connects, or begins to try: a store that is away is no reason not to start.
    pub async fn open(settings: &RedisSettings) -> Self {
        let link = Arc::new(Link::new(settings.client.clone(), settings.budget));
        // A start that is late by this much serves no request by local counts alone.
        let joined = tokio::time::timeout(AT_THE_START, link.connect()).await;
        let outcome = joined.unwrap_or(Err(StoreAway::Late));
        if let Err(away) = outcome {
            link.note_away(&away);
        }
        let keeper = tokio::spawn(Arc::clone(&link).keep()).abort_handle();
        Self { link, keeper }
    }

    /// Whether requests are counted there now.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.link.current().is_some()
    }
}

impl Limiter for Shared {
    async fn take(&self, buckets: &[Bucket]) -> Result<Verdict, StoreAway> {
        let (epoch, connection) = self.link.current().ok_or(StoreAway::Known)?;
        let work = self.link.script.take(connection, buckets);
        let answer = tokio::time::timeout(self.link.budget, work).await;
        let answer = answer.unwrap_or(Err(StoreAway::Late));
        if let Err(away) = &answer {
            self.link.lose(epoch, away);
        }
        answer
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// The script, known to Redis by its hash.
struct TakeScript(Script);

impl TakeScript {
    fn new() -> Self {
        Self(Script::new(include_str!("take.lua")))
    }

    /// Runs it; a Redis that does not know it is told it again.
    async fn take(
        &self,
        mut connection: MultiplexedConnection,
        buckets: &[Bucket],
    ) -> Result<Verdict, StoreAway> {
        let mut call = self.0.prepare_invoke();
        for bucket in buckets {
            let Gcra { interval, capacity } = Gcra::of(bucket.limit);
            call.key(bucket.key()).arg(interval).arg(capacity);
        }
        let answer: Result<Vec<u64>, RedisError> = call.invoke_async(&mut connection).await;
        let answer = answer.map_err(|error| StoreAway::Refuses(error.to_string()))?;
        match answer.split_first() {
            Some((passed, debts)) if debts.len() == buckets.len() => Ok(Verdict {
                passed: *passed == 1,
                debts: debts.to_vec(),
            }),
            _ => Err(StoreAway::Refuses("an answer of the wrong length".into())),
        }
    }
}

//! Answers that are given again: only of rpcs whose policy allows it, bounded in bytes and time, and asked
//! for once however many want them at the same moment.

mod key;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use moka::Expiry;
use tonic::metadata::MetadataMap;
use tonic::{Response, Status};
use types::UserId;

pub(crate) use key::Key;

/// No answer is older, whatever a policy says.
pub(crate) const LONGEST: Duration = Duration::from_secs(3_600);
/// What an answer takes besides its bytes, roughly.
const OVERHEAD: usize = 512;
/// Of how many users it is remembered that they changed something.
const CHANGED: u64 = 1_000_000;

/// The answers.
pub(crate) struct Cache {
    answers: moka::future::Cache<Key, Answer>,
    /// When each user last changed something at a service, by our own count. Kept for longer than any answer
    /// from before.
    changes: moka::sync::Cache<(UserId, &'static str), u64>,
    count: AtomicU64,
}

#[derive(Clone)]
struct Answer {
    metadata: MetadataMap,
    bytes: Bytes,
    lasts: Duration,
}

/// Each answer lasts as long as its rpc's policy says.
struct ByPolicy;

impl Expiry<Key, Answer> for ByPolicy {
    fn expire_after_create(&self, _: &Key, answer: &Answer, _: Instant) -> Option<Duration> {
        Some(answer.lasts)
    }
}

impl Cache {
    /// A cache of so many bytes; of none it keeps nothing.
    pub(crate) fn of(bytes: u64) -> Self {
        let weight = |key: &Key, answer: &Answer| {
            let bytes = key.size() + answer.bytes.len() + OVERHEAD;
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        Self {
            answers: moka::future::Cache::builder()
                .max_capacity(bytes)
                .weigher(weight)
                .expire_after(ByPolicy)
                .build(),
            changes: moka::sync::Cache::builder()
                .max_capacity(CHANGED)
                .time_to_live(LONGEST * 2)
                .build(),
            count: AtomicU64::new(1),
        }
    }

    /// The answer that is kept, or the one the service gives when asked, and whether it was kept.
    ///
    /// # Errors
    /// What the service answers instead. A failure is nobody's but its caller's: whoever waited for the same
    /// answer asks for itself.
    pub(crate) async fn answer<A, F>(
        &self,
        key: Key,
        lasts: Duration,
        ask: A,
    ) -> Result<(Response<Bytes>, bool), Status>
    where
        A: Fn() -> F,
        F: Future<Output = Result<Response<Bytes>, Status>>,
    {
        let has_asked = AtomicBool::new(false);
        let first = async {
            has_asked.store(true, Ordering::Relaxed);
            let (metadata, bytes, _) = ask().await?.into_parts();
            Ok(Answer {
                metadata,
                bytes,
                lasts: lasts.min(LONGEST),
            })
        };
        match self.answers.entry(key).or_try_insert_with(first).await {
            Ok(entry) => {
                let is_kept = !entry.is_fresh();
                let Answer {
                    metadata, bytes, ..
                } = entry.into_value();
                let answer = Response::from_parts(metadata, bytes, tonic::Extensions::default());
                Ok((answer, is_kept))
            }
            Err(status) if has_asked.into_inner() => Err(Status::clone(&status)),
            Err(_) => ask().await.map(|answer| (answer, false)),
        }
    }

    /// Forgets what a user was answered by a service: it may be otherwise by now.
    pub(crate) fn forget(&self, user: UserId, service: &'static str) {
        let now = self.count.fetch_add(1, Ordering::Relaxed);
        self.changes.insert((user, service), now);
    }

    /// When a user last changed something at a service.
    fn changed(&self, user: UserId, service: &'static str) -> u64 {
        self.changes.get(&(user, service)).unwrap_or_default()
    }

    /// Tells the metrics how full it is.
    pub(crate) fn report(&self) {
        metrics::gauge!("bottega_gateway_cache_bytes").set(self.answers.weighted_size() as f64);
        metrics::gauge!("bottega_gateway_cache_answers").set(self.answers.entry_count() as f64);
    }
}

#[cfg(test)]
mod tests;

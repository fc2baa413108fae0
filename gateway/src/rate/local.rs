//! The limiter of one process, on governor's keyed store.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::{DefaultKeyedStateStore, ShrinkableKeyedStateStore};

use super::{Bucket, Gcra, Limiter, StoreAway, Verdict};

const STRIPES: usize = 64;

/// Counts in memory. Governor's own check knows one limit at a time and cannot give back what it took,
/// so only its store is used, and a lock per caller makes several limits one step.
pub struct Local {
    /// When each bucket will be empty, in microseconds since `origin`; a bucket that is empty is as good
    /// as none.
    empty_at: DefaultKeyedStateStore<Bucket>,
    /// Callers are spread over these, so that few wait for each other.
    stripes: [Mutex<()>; STRIPES],
    hasher: RandomState,
    origin: Instant,
}

impl Local {
    /// Nothing counted yet.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "the moment it is made is its origin of time"
    )]
    pub fn new() -> Self {
        Self {
            empty_at: DefaultKeyedStateStore::default(),
            stripes: std::array::from_fn(|_| Mutex::new(())),
            hasher: RandomState::new(),
            origin: Instant::now(),
        }
    }

    /// Charges every bucket, if all have room.
    #[must_use]
    pub fn check(&self, buckets: &[Bucket]) -> Verdict {
        self.alone(buckets, |now| {
            let mut debts = self.debts(buckets, now);
            let passed = fits(buckets, &debts);
            if passed {
                for (bucket, debt) in buckets.iter().zip(&mut debts) {
                    *debt += Gcra::of(bucket.limit).interval;
                    self.set(bucket, now + *debt);
                }
            }
            Verdict { passed, debts }
        })
    }

    /// How things stand; charges nothing.
    #[must_use]
    pub fn look(&self, buckets: &[Bucket]) -> Verdict {
        self.alone(buckets, |now| {
            let debts = self.debts(buckets, now);
            Verdict {
                passed: fits(buckets, &debts),
                debts,
            }
        })
    }

    /// Remembers what another limiter knows, so that this one can go on from there.
    pub fn learn(&self, buckets: &[Bucket], debts: &[u64]) {
        self.alone(buckets, |now| {
            for (bucket, debt) in buckets.iter().zip(debts) {
                let debt = (*debt).min(Gcra::of(bucket.limit).capacity);
                if debt > self.debt(bucket, now) {
                    self.set(bucket, now + debt);
                }
            }
        });
    }

    /// Forgets the buckets that are empty.
    pub fn forget_idle(&self) {
        self.empty_at.retain_recent(Nanos::from(self.now()));
        self.empty_at.shrink_to_fit();
    }

    /// How many buckets are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.empty_at.len()
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Does `work` while no other request of the same caller does any.
    fn alone<T>(&self, buckets: &[Bucket], work: impl FnOnce(u64) -> T) -> T {
        let hash = buckets
            .first()
            .map_or(0, |one| self.hasher.hash_one(one.who));
        let stripe = &self.stripes[(hash % STRIPES as u64) as usize];
        let _held = stripe.lock().unwrap_or_else(PoisonError::into_inner);
        work(self.now())
    }

    // From 1: governor's store takes 0 for "never".
    fn now(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_micros()).map_or(u64::MAX, |micros| micros + 1)
    }

    fn debts(&self, buckets: &[Bucket], now: u64) -> Vec<u64> {
        buckets
            .iter()
            .map(|bucket| self.debt(bucket, now))
            .collect()
    }

    fn debt(&self, bucket: &Bucket, now: u64) -> u64 {
        let read = |known: Option<Nanos>| Err::<((), Nanos), _>(known.map_or(0, Nanos::as_u64));
        let empty_at = self.empty_at.measure_and_replace(bucket, read);
        Gcra::of(bucket.limit).debt(empty_at.err().unwrap_or(0), now)
    }

    fn set(&self, bucket: &Bucket, empty_at: u64) {
        let write = |_: Option<Nanos>| Ok::<_, ()>(((), Nanos::from(empty_at)));
        let _ = self.empty_at.measure_and_replace(bucket, write);
    }
}

impl Limiter for Local {
    async fn take(&self, buckets: &[Bucket]) -> Result<Verdict, StoreAway> {
        Ok(self.check(buckets))
    }
}

fn fits(buckets: &[Bucket], debts: &[u64]) -> bool {
    let mut each = buckets.iter().zip(debts);
    each.all(|(bucket, debt)| Gcra::of(bucket.limit).fits(*debt))
}

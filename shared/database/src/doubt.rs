//! Doubt about what connections carry back into the pool.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

// A connection that was given up comes back within the time it has for an answer, which is far less.
const LASTS: Duration = Duration::from_secs(60);

/// Whether somebody has just given up a transaction that may have begun all the same.
#[derive(Debug, Clone)]
pub struct Doubt(Arc<State>);

#[derive(Debug)]
struct State {
    start: Instant,
    // Milliseconds after the start.
    until: AtomicU64,
}

impl Doubt {
    /// None yet.
    pub fn none() -> Self {
        Self(Arc::new(State {
            start: Instant::now(),
            until: AtomicU64::new(0),
        }))
    }

    /// From now on, for a while.
    pub fn raise(&self) {
        let until = millis(self.0.start.elapsed() + LASTS);
        self.0.until.fetch_max(until, Ordering::SeqCst);
    }

    /// Whether there is any now.
    pub fn is_there(&self) -> bool {
        let until = self.0.until.load(Ordering::SeqCst);
        until > 0 && millis(self.0.start.elapsed()) < until
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

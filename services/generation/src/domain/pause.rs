//! Remembers for a moment that paid work is paused, so that not every waiting task asks.
//!
//! Nothing is sent by it: whether an order may leave is asked before each. It only spares the
//! database the claiming of tasks that would be put back.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// For so long nobody asks again; so much later, at the most, work goes on once it is resumed.
pub const REST: Duration = Duration::from_secs(5);

/// What was heard last.
#[derive(Debug, Default)]
pub struct Pause(Mutex<Option<Instant>>);

impl Pause {
    /// Paid work is paused now.
    pub fn heard(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether that was heard a moment ago.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        let heard = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.is_some_and(|at| at.elapsed() < REST)
    }
}

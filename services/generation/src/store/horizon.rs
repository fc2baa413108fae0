//! From where on the line is longer than anybody counts: known for a moment, so that whoever stands far
//! behind need not be counted again and again.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

// The line moves on meanwhile.
const KNOWN: Duration = Duration::from_millis(100);

/// Where a task stands: its turn, and its id among those of the same turn.
pub(super) type Standing = (i64, Uuid);

/// The foremost task that was found beyond what is counted.
#[derive(Debug, Default)]
pub(super) struct Horizon(Mutex<Option<(Instant, Standing)>>);

impl Horizon {
    /// Whether a task surely stands beyond it.
    pub(super) fn is_before(&self, standing: Standing) -> bool {
        let seen = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.is_some_and(|(at, foremost)| at.elapsed() < KNOWN && foremost <= standing)
    }

    /// A task was found beyond it.
    pub(super) fn see(&self, standing: Standing) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news =
            seen.is_none_or(|(at, foremost)| at.elapsed() >= KNOWN || standing < foremost);
        if is_news {
            *seen = Some((Instant::now(), standing));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_is_beyond_for_a_moment() {
        let horizon = Horizon::default();
        let (low, high) = (Uuid::nil(), Uuid::max());
        assert!(!horizon.is_before((9, high)));
        horizon.see((5, high));
        assert!(horizon.is_before((5, high)));
        assert!(horizon.is_before((6, low)));
        assert!(!horizon.is_before((5, low)));
        horizon.see((7, low));
        assert!(horizon.is_before((6, low)));
        horizon.see((4, low));
        assert!(horizon.is_before((4, high)));
        std::thread::sleep(KNOWN);
        assert!(!horizon.is_before((9, high)));
    }
}

//! A worker's own view of its hold on a task: by the monotonic clock, which nobody can set.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Whether a worker still holds its task.
#[derive(Debug, Clone)]
pub struct Lease {
    until: Arc<Mutex<Instant>>,
    ended: CancellationToken,
    // The attempt that was planned under it, until its order leaves.
    unsent: Arc<Mutex<Option<i64>>>,
}

impl Lease {
    /// A lease of `span` from `asked_at`: the moment before it was asked for, so that ours is
    /// never longer than the database's.
    #[must_use]
    pub fn new(asked_at: Instant, span: Duration) -> Self {
        Self {
            until: Arc::new(Mutex::new(asked_at + span)),
            ended: CancellationToken::new(),
            unsent: Arc::default(),
        }
    }

    /// An attempt was planned.
    pub fn plan(&self, number: i64) {
        *self.unsent.lock().unwrap_or_else(PoisonError::into_inner) = Some(number);
    }

    /// Its order leaves now.
    pub fn depart(&self) {
        *self.unsent.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The attempt that was planned and whose order surely has not left, whatever its record says: it may
    /// have been written as sent for a worker who was stopped before it sent it.
    #[must_use]
    pub fn unsent(&self) -> Option<i64> {
        *self.unsent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It was extended.
    pub fn extend(&self, asked_at: Instant, span: Duration) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = asked_at + span;
    }

    /// Somebody else has the task now, or its owner ended it.
    pub fn end(&self) {
        self.ended.cancel();
    }

    /// When it runs out.
    #[must_use]
    pub fn until(&self) -> Instant {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the task is surely still ours.
    #[must_use]
    pub fn is_held(&self) -> bool {
        !self.ended.is_cancelled() && Instant::now() < self.until()
    }

    /// Waits until it is not.
    pub async fn lost(&self) {
        loop {
            let until = self.until();
            tokio::select! {
                () = self.ended.cancelled() => return,
                () = tokio::time::sleep_until(until) => {}
            }
            if !self.is_held() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn runs_out_unless_it_is_extended() {
        let span = Duration::from_millis(60);
        let begun = Instant::now();
        let lease = Lease::new(begun, span);
        lease.extend(begun + span, span);
        assert!(lease.is_held());
        lease.lost().await;
        assert!(begun.elapsed() >= span * 2);
        assert!(!lease.is_held());
    }

    #[tokio::test]
    async fn ends_at_once_when_it_is_ended() {
        let lease = Lease::new(Instant::now(), Duration::from_secs(3_600));
        lease.end();
        lease.lost().await;
        assert!(!lease.is_held());
    }

    #[test]
    fn what_was_planned_has_not_left_until_it_departs() {
        let lease = Lease::new(Instant::now(), Duration::from_secs(3_600));
        assert_eq!(lease.unsent(), None);
        let worker = lease.clone();
        worker.plan(2);
        assert_eq!(lease.unsent(), Some(2));
        worker.depart();
        assert_eq!(lease.unsent(), None);
    }
}

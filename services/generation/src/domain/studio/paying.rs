//! Asks, before an order that costs money leaves, whether it may: its reservation stands, and paid
//! work is not paused. Whatever the answer, nothing was sent, and no attempt is counted.

use std::time::Duration;

use errors::Reason;

use super::{Asked, Sitting, Studio};
use crate::domain::events::{EventKind, Step};
use crate::domain::pause;
use crate::domain::ports::PutBack;
use crate::domain::retry::backoff;

impl Studio {
    /// Why the order may not leave now; none when it may.
    pub(super) async fn withheld(&self, sitting: &Sitting<'_>) -> Option<Asked> {
        let task = sitting.task;
        let reservation = task.reservation.filter(|_| sitting.price().0 > 0)?;
        let fault = self.quota.begin(reservation).await.err()?;
        let holds = u32::try_from(task.claim.fence).unwrap_or(u32::MAX);
        let (rest, message) = match fault.reason {
            Reason::NotFound | Reason::WrongState => {
                return Some(Asked::Unasked(Err(super::reservation_lost())));
            }
            Reason::SpendingPaused => {
                self.pause.heard();
                metrics::counter!("generation_paused_sends_total").increment(1);
                (pause::REST, "paid work is paused; the order waits")
            }
            // Nothing paid begins while nobody counts it.
            _ => {
                tracing::warn!(
                    task.id = %task.claim.task,
                    error = %fault,
                    "nobody says whether an order may leave; it waits"
                );
                let rest = backoff(Duration::from_secs(1), holds);
                (
                    rest,
                    "the work cannot be paid for right now; the order waits",
                )
            }
        };
        Some(Asked::Unasked(Ok(PutBack {
            rest,
            step: Step::saying(EventKind::Requeued, message),
            attempt: None,
        })))
    }
}

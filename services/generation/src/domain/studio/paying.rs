//! The money of a task: whether an order that costs some may leave, and what its reservation becomes in
//! the end.

use std::time::Duration;

use errors::Reason;

use super::{Asked, Sitting, Studio};
use crate::domain::bill::Billed;
use crate::domain::error::Error;
use crate::domain::events::{EventKind, Step};
use crate::domain::lease::Lease;
use crate::domain::pause;
use crate::domain::ports::{Claimed, PutBack};
use crate::domain::retry::backoff;
use crate::domain::settlement::Resolution;

impl Studio {
    /// Why the order may not leave now: its reservation is gone, or paid work is paused. Nothing was sent
    /// then, and no attempt is counted.
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
            onto: None,
        })))
    }

    /// What the reservation becomes by the record of the task's attempts, and the one that ends with it.
    pub(super) async fn resolution(
        &self,
        task: &Claimed,
        lease: &Lease,
        last: Option<Billed>,
    ) -> Result<Resolution, Error> {
        let mut attempts = match task.attempts {
            0 => Vec::new(),
            _ => {
                let billed = || self.work.billed(task.claim.task);
                self.persist(task, lease, billed).await?
            }
        };
        attempts.retain(|one| last.as_ref().is_none_or(|last| last.number != one.number));
        attempts.extend(last);
        Ok(Resolution::of(task.price, &attempts))
    }
}

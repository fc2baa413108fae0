//! Delivers the calls owed to the usage service, until each is answered.

use std::sync::Arc;
use std::time::Duration;

use errors::{Fault, Reason};
use futures::future::join_all;
use tokio_util::sync::CancellationToken;

use crate::domain::error::Error;
use crate::domain::ports::{Outbox, Quota};
use crate::domain::retry::backoff;
use crate::domain::settlement::{Call, Debt};
use crate::domain::signals::Signals;
use crate::domain::studio::reservation_lost;

const POLL: Duration = Duration::from_secs(1);
const BATCH: u64 = 64;
// Longer than a call takes; a process that dies with a call in its hands gives it back by then.
const HOLD: Duration = Duration::from_secs(30);

/// Delivers owed calls.
pub struct Delivery {
    /// Where they are kept.
    pub outbox: Arc<dyn Outbox>,
    /// Whom they are owed to.
    pub quota: Arc<dyn Quota>,
    /// Who tells that there is one.
    pub signals: Arc<Signals>,
}

impl Delivery {
    /// Delivers until it is told to end and nothing that is due is left.
    pub async fn run(self, end: CancellationToken) {
        loop {
            let left = match self.deliver().await {
                Ok(delivered) => delivered > 0,
                Err(error) => {
                    tracing::warn!(error = %error, "could not look for calls to deliver");
                    false
                }
            };
            if left {
                continue;
            }
            if end.is_cancelled() {
                return;
            }
            tokio::select! {
                () = end.cancelled() => {}
                () = self.signals.wait_for_outbox() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    /// Delivers what is due now; answers how many calls were tried.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn deliver(&self) -> Result<usize, Error> {
        let due = self.outbox.take_due(BATCH, HOLD).await?;
        let outcomes = join_all(due.iter().map(|debt| self.pay(debt))).await;
        let (mut paid, mut failure) = (Vec::new(), None);
        for (debt, outcome) in due.iter().zip(outcomes) {
            match outcome {
                Ok(true) => paid.push(debt.id),
                Ok(false) => {}
                Err(error) => failure = Some(error),
            }
        }
        if !paid.is_empty() {
            self.outbox.close(&paid).await?;
        }
        failure.map_or(Ok(due.len()), Err)
    }

    // Whether the call is done with.
    async fn pay(&self, debt: &Debt) -> Result<bool, Error> {
        let Err(fault) = self.quota.deliver(&debt.call, debt.reservation).await else {
            return Ok(true);
        };
        let is_final = matches!(
            fault.reason,
            Reason::NotFound | Reason::WrongState | Reason::OperationMismatch
        );
        if is_final {
            return self.refused(debt, &fault).await;
        }
        if debt.tries == 1 {
            tracing::warn!(
                reservation.id = %debt.reservation,
                call = debt.call.as_str(),
                error = %fault,
                "the usage service does not take a call; it is tried again"
            );
        }
        let rest = backoff(Duration::from_secs(1), debt.tries);
        self.outbox.postpone(debt, rest).await?;
        Ok(false)
    }

    // Asking again gives the same answer; a person must look. A task whose reservation was given
    // back is not worked at uncounted: it ends, unless its order has left already.
    async fn refused(&self, debt: &Debt, fault: &Fault) -> Result<bool, Error> {
        tracing::error!(
            task.id = %debt.task,
            reservation.id = %debt.reservation,
            call = debt.call.as_str(),
            error = %fault,
            "the usage service refuses a call about a reservation"
        );
        metrics::counter!("generation_outbox_refused_total", "call" => debt.call.as_str())
            .increment(1);
        if debt.call != Call::Confirm {
            return Ok(true);
        }
        let failure = reservation_lost();
        if self.outbox.lose(debt, &failure).await? {
            metrics::counter!(
                "generation_tasks_total",
                "outcome" => "failed",
                "reason" => failure.reason.as_str_name(),
            )
            .increment(1);
            self.signals.cancelled(debt.task);
            self.signals.ended(debt.task);
        }
        // It went with its task's loss.
        Ok(false)
    }
}

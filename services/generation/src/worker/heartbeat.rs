//! Keeps a lease while a task is worked at.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::error::Error;
use crate::domain::lease::Lease;
use crate::domain::ports::{Claim, Work};

/// Extends the lease three times in its span; when the database does not answer, more often, until
/// the lease runs out by its own clock. Ends with the lease.
pub(super) async fn keep(work: &dyn Work, claim: Claim, lease: &Lease, span: Duration) {
    let mut rest = span / 3;
    loop {
        tokio::time::sleep(rest).await;
        let asked_at = Instant::now();
        rest = match work.renew(claim, span).await {
            Ok(()) => {
                lease.extend(asked_at, span);
                span / 3
            }
            Err(Error::Lost) => {
                lease.end();
                return;
            }
            Err(error) => {
                tracing::warn!(task.id = %claim.task, error = %error, "could not extend a lease");
                span / 15
            }
        };
        if !lease.is_held() {
            lease.end();
            return;
        }
    }
}

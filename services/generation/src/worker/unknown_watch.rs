//! Tells by metrics how many attempts are unknown, and how much money waits for an operator.

use std::sync::Arc;
use std::time::Duration;

use server::Shutdown;

use crate::domain::unknown::Unknowns;

const PAUSE: Duration = Duration::from_secs(30);

/// Counts now and every half minute, until the switch is thrown.
pub async fn run(unknowns: Arc<dyn Unknowns>, shutdown: Shutdown) {
    let counting = async {
        loop {
            match unknowns.unknown_sum().await {
                Ok((count, money)) => {
                    metrics::gauge!("generation_attempts_unknown").set(as_float(count));
                    metrics::gauge!("generation_suspense_microusd").set(as_float(money.0));
                }
                Err(error) => tracing::debug!(error = %error, "unknown attempts are not counted"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = shutdown.triggered() => {}
        () = counting => {}
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a gauge; exact up to nine billion dollars"
)]
fn as_float(number: i64) -> f64 {
    number as f64
}

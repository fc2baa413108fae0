//! Ends, every second, what waited longer than its owner wanted it to.

use std::sync::Arc;
use std::time::Duration;

use errors::Reason;
use server::Shutdown;

use crate::domain::ports::Expiry;
use crate::domain::signals::Signals;

const PAUSE: Duration = Duration::from_secs(1);
const BATCH: u64 = 100;

/// Looks now and every second, until the switch is thrown.
pub async fn run(tasks: Arc<dyn Expiry>, signals: Arc<Signals>, shutdown: Shutdown) {
    let looking = async {
        loop {
            match tasks.expire_due(BATCH).await {
                Ok(ended) => {
                    for id in &ended {
                        signals.ended(*id);
                        metrics::counter!(
                            "generation_tasks_total",
                            "outcome" => "failed",
                            "reason" => Reason::Expired.as_str_name(),
                        )
                        .increment(1);
                    }
                }
                Err(error) => tracing::warn!(error = %error, "what expired cannot be ended yet"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = shutdown.triggered() => {}
        () = looking => {}
    }
}

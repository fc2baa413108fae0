//! The clockwork that gives back the units of reservations nobody came back for.

use std::sync::Arc;
use std::time::Duration;

use server::Shutdown;
use tokio::time::MissedTickBehavior;

use crate::domain::usage::Usage;

/// Sweeps every `interval` until the process shuts down; a sweep that began is finished.
pub async fn run(usage: Arc<Usage>, interval: Duration, shutdown: Shutdown) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.triggered() => return,
            _ = ticks.tick() => {}
        }
        sweep(&usage, &shutdown).await;
    }
}

// Batch after batch while there is anything due.
async fn sweep(usage: &Usage, shutdown: &Shutdown) {
    while !shutdown.is_triggered() {
        match usage.sweep().await {
            Ok(0) => return,
            Ok(expired) => tracing::info!(expired, "reservations expired"),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "sweep failed, trying again later"
                );
                return;
            }
        }
    }
}

//! The clockwork that gives back the units of reservations nobody came back for.

use std::error::Error as StdError;
use std::time::Duration;

use server::Shutdown;
use tokio::time::MissedTickBehavior;

use crate::domain::error::Error;
use crate::domain::sweeping::Sweeping;

// As many old rows are deleted at a time: a transaction of some milliseconds.
const FORGET: u64 = 1_000;

/// Sweeps every `interval` until the process shuts down; a step that began is finished.
pub async fn run(sweeping: Sweeping, interval: Duration, shutdown: Shutdown) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.triggered() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = sweep(&sweeping, &shutdown).await {
            let error = &error as &dyn StdError;
            tracing::warn!(error, "sweep failed, trying again later");
        }
    }
}

async fn sweep(sweeping: &Sweeping, shutdown: &Shutdown) -> Result<(), Error> {
    let mut pass = sweeping.pass();
    let outcome = loop {
        match pass.step().await {
            Ok(true) if !shutdown.is_triggered() => {}
            Ok(_) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    let swept = pass.swept;
    metrics::counter!("usage_swept_total", "outcome" => "expired").increment(swept.expired);
    metrics::counter!("usage_swept_total", "outcome" => "extended").increment(swept.extended);
    metrics::counter!("usage_swept_total", "outcome" => "failed").increment(swept.failed);
    metrics::counter!("usage_keeper_unanswered_total").increment(swept.unanswered);
    if swept.expired > 0 || swept.unanswered > 0 {
        let (expired, unanswered) = (swept.expired, swept.unanswered);
        tracing::info!(expired, unanswered, "swept");
    }
    outcome?;
    while !shutdown.is_triggered() {
        let gone = sweeping.forget(FORGET).await?;
        if gone.reservations < FORGET && gone.counters < FORGET {
            break;
        }
    }
    Ok(())
}

//! What the operating system asks: the first signal drains, the second ends at once.

use server::Shutdown;
use tokio::signal::unix::{SignalKind, signal};

/// Begins to drain at SIGTERM or SIGINT, and ends the process at the next of either.
pub(crate) fn obey(shutdown: Shutdown) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = terminate.recv() => ("SIGTERM", 15),
                _ = interrupt.recv() => ("SIGINT", 2),
            }
        };
        let (name, _) = next().await;
        tracing::info!(signal = name, "stopping: finishing what was accepted");
        shutdown.trigger();
        let (name, number) = next().await;
        tracing::warn!(signal = name, "stopping at once");
        telemetry::flush();
        std::process::exit(128 + number);
    });
    Ok(())
}

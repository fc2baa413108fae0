//! Sweeps away what has had its time, a little at once, so that nobody waits for it.

use std::sync::Arc;
use std::time::Duration;

use server::Shutdown;

use crate::domain::error::Error;
use crate::domain::ports::Keys;

const PAUSE: Duration = Duration::from_mins(5);
const AT_ONCE: u64 = 500;

/// Sweeps now and every five minutes, until the switch is thrown.
pub async fn run(keys: Arc<dyn Keys>, shutdown: Shutdown) {
    let sweeping = async {
        loop {
            if let Err(error) = sweep(&*keys).await {
                tracing::warn!(error = %error, "what has had its time is not swept");
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = shutdown.triggered() => {}
        () = sweeping => {}
    }
}

async fn sweep(keys: &dyn Keys) -> Result<(), Error> {
    while keys.sweep_keys(AT_ONCE).await? == AT_ONCE {}
    Ok(())
}

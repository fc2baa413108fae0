//! Looks for orders nobody waits for any more, and has them stopped.

use std::time::Duration;

use server::Shutdown;

use crate::domain::strays::Warden;

const PAUSE: Duration = Duration::from_secs(1);

/// Looks now and every second, until the switch is thrown.
pub async fn run(warden: Warden, shutdown: Shutdown) {
    let rounds = async {
        loop {
            match warden.round().await {
                // There may be more.
                Ok(seen) if seen > 0 => continue,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(error = %error, "could not stop what nobody waits for")
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = shutdown.triggered() => {}
        () = rounds => {}
    }
}

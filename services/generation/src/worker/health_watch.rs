//! Hears every second how other processes found the providers; for those who only look.

use std::sync::Arc;
use std::time::Duration;

use server::Shutdown;

use crate::domain::cooling::Cooling;

const PAUSE: Duration = Duration::from_secs(1);

/// Asks now and every second, until the switch is thrown.
pub async fn run(cooling: Arc<Cooling>, shutdown: Shutdown) {
    let listening = async {
        loop {
            if let Err(error) = cooling.refresh().await {
                tracing::debug!(error = %error, "how providers are is not heard");
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = shutdown.triggered() => {}
        () = listening => {}
    }
}

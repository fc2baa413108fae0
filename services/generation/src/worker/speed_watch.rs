//! Hears every so often how long providers take; what was heard last stands while the store is away.

use std::sync::Arc;
use std::time::Duration;

use server::Shutdown;

use crate::domain::speed::{SpeedBoard, Tallies};

const PAUSE: Duration = Duration::from_secs(10);

/// Hears how long providers take.
pub struct SpeedWatch {
    /// Where it is counted.
    pub source: Arc<dyn Tallies>,
    /// Where it is read.
    pub board: Arc<SpeedBoard>,
}

impl SpeedWatch {
    /// Asks now and every ten seconds, until the switch is thrown.
    pub async fn run(self, shutdown: Shutdown) {
        let listening = async {
            loop {
                match self.source.tallies().await {
                    Ok(tallies) => self.board.replace(&tallies),
                    Err(error) => {
                        tracing::debug!(error = %error, "how long providers take is not heard");
                    }
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::select! {
            () = shutdown.triggered() => {}
            () = listening => {}
        }
    }
}

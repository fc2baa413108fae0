//! Hears the prices of the catalogue every so often; the last ones heard stay while nobody tells.

use std::sync::Arc;
use std::time::Duration;

use server::Shutdown;

use crate::domain::ports::Prices;
use crate::domain::prices::PriceBoard;

const PAUSE: Duration = Duration::from_secs(15);

/// Hears prices.
pub struct PriceWatch {
    source: Arc<dyn Prices>,
    board: Arc<PriceBoard>,
}

impl PriceWatch {
    /// Hears the prices that `source` knows, for those who read them on `board`.
    #[must_use]
    pub fn new(source: Arc<dyn Prices>, board: Arc<PriceBoard>) -> Self {
        Self { source, board }
    }

    /// Where prices are read.
    #[must_use]
    pub fn board(&self) -> Arc<PriceBoard> {
        Arc::clone(&self.board)
    }

    /// Asks now and every fifteen seconds, until the switch is thrown.
    pub async fn run(self, shutdown: Shutdown) {
        let mut is_away = false;
        let listening = async {
            loop {
                match self.source.list().await {
                    Ok(prices) => {
                        if is_away {
                            tracing::info!("the catalogue of prices is heard again");
                        }
                        is_away = false;
                        self.board.replace(prices);
                    }
                    Err(fault) => {
                        if !is_away {
                            tracing::warn!(
                                error = %fault,
                                "the catalogue of prices is not heard; the last prices stand"
                            );
                        }
                        is_away = true;
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

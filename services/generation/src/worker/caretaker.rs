//! Sweeps away what has had its time, a little at once, so that nobody waits for it.

use std::sync::Arc;
use std::time::Duration;

use server::Shutdown;

use crate::domain::chores::{Chore, Chores};
use crate::domain::error::Error;
use crate::domain::ports::Keys;
use crate::domain::reuse::Shelf;
use crate::domain::safety::Decisions;

const PAUSE: Duration = Duration::from_mins(5);
const AT_ONCE: u64 = 500;
/// Refusals that nobody appealed against are kept for so long.
const REFUSALS: Duration = Duration::from_hours(90 * 24);

/// Sweeps what these keep.
pub struct Caretaker {
    /// The keys of calls.
    pub keys: Arc<dyn Keys>,
    /// Results that may be given again.
    pub shelf: Shelf,
    /// What was refused.
    pub decisions: Arc<dyn Decisions>,
    /// Whatever else only grows.
    pub chores: Arc<dyn Chores>,
}

impl Caretaker {
    /// Sweeps now and every five minutes, until the switch is thrown.
    pub async fn run(self, shutdown: Shutdown) {
        let sweeping = async {
            loop {
                if let Err(error) = self.sweep().await {
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

    async fn sweep(&self) -> Result<(), Error> {
        let results = &self.shelf.results;
        while self.keys.sweep_keys(AT_ONCE).await? == AT_ONCE {}
        while results.sweep_results(self.shelf.age, AT_ONCE).await? == AT_ONCE {}
        while self.decisions.sweep_decisions(REFUSALS, AT_ONCE).await? == AT_ONCE {}
        for chore in Chore::ALL {
            while self.chores.sweep(chore, AT_ONCE).await? == AT_ONCE {}
        }
        Ok(())
    }
}

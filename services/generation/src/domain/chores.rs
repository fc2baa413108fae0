//! What only grows, and for how long it is kept.

use std::time::Duration;

use async_trait::async_trait;

use crate::domain::error::Error;

const DAY: Duration = Duration::from_hours(24);

/// Rows that have had their time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chore {
    /// Counts of how providers did.
    Tallies,
    /// Batches whose last generation has ended.
    Batches,
    /// Events of generations that have ended.
    Events,
    /// Turns of owners whom nobody has to wait for: an owner without one is given the same.
    Turns,
}

impl Chore {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Tallies, Self::Batches, Self::Events, Self::Turns];

    /// For how long such a row is kept.
    #[must_use]
    pub const fn kept_for(self) -> Duration {
        match self {
            Self::Tallies => DAY.saturating_mul(400),
            Self::Batches | Self::Events => DAY.saturating_mul(90),
            Self::Turns => Duration::ZERO,
        }
    }
}

/// Where the rows are.
#[async_trait]
pub trait Chores: Send + Sync + 'static {
    /// Forgets up to `limit` of them; how many there were.
    async fn sweep(&self, chore: Chore, limit: u64) -> Result<u64, Error>;
}

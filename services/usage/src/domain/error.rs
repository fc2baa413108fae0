//! What a use case can come to.

use std::error::Error as StdError;
use std::time::Duration;

use types::Timestamp;

use super::counter::{Standing, Subject};
use super::plan::UnknownTier;
use super::reservation::WrongState;

/// Why a use case failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The units do not fit under the plan's limits; nothing was set aside.
    #[error("a limit of the plan is used up")]
    OverLimit(Box<Refusal>),
    /// The operation id was used before, for another request.
    #[error("the operation id was used before, for another request")]
    OperationMismatch,
    /// There is no such reservation.
    #[error("no such reservation")]
    NotFound,
    /// The reservation's life went another way.
    #[error(transparent)]
    WrongState(#[from] WrongState),
    /// The caller's plan is not configured (any more).
    #[error("the plan {0}")]
    UnknownTier(#[from] UnknownTier),
    /// The books do not answer.
    #[error("the books do not answer")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
    /// The books are not as we left them, or refuse what we write: a fault of ours.
    #[error("the books are broken")]
    Broken(#[source] Box<dyn StdError + Send + Sync>),
}

/// Which limits stand in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Whose limits.
    pub subject: Subject,
    /// The plan.
    pub tier: String,
    /// Every limit the request goes over and how many units were asked of it, the one that
    /// resets last first: until then nothing changes for certain. Never empty.
    pub over: Vec<(Standing, i64)>,
    /// When it was refused.
    pub at: Timestamp,
}

impl Refusal {
    /// How long until every limit in the way starts anew; none when the request is larger than a
    /// whole limit, for then waiting does not help.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        if self.over.iter().any(|(one, asked)| *asked > one.limit) {
            return None;
        }
        let (last, _) = self.over.first()?;
        Some(last.window.reset.since(self.at))
    }
}

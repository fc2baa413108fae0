//! What a use case can come to.

use std::error::Error as StdError;
use std::time::Duration;

use errors::FieldViolation;
use types::Timestamp;

use super::counter::Standing;
use super::plan::UnknownTier;
use super::reservation::WrongState;
use super::rules::Pause;

/// Why a use case failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The units do not fit under a limit; nothing was set aside.
    #[error("a limit is used up")]
    OverLimit(Box<Refusal>),
    /// Paid work is paused; nothing was set aside.
    #[error("paid work is paused")]
    Paused(Pause),
    /// Nobody knows what the work costs: the provider and the model.
    #[error("no price of {1} by {0} is known")]
    PriceUnknown(String, String),
    /// The operation id was used before, for another request.
    #[error("the operation id was used before, for another request")]
    OperationMismatch,
    /// There is no such thing: what it would be.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// There is one already: what it is.
    #[error("there is such a {0} already")]
    AlreadyExists(&'static str),
    /// The reservation's life went another way.
    #[error(transparent)]
    WrongState(#[from] WrongState),
    /// It is in use: by what.
    #[error("it is in use: {0}")]
    InUse(String),
    /// Whoever keeps the record of the work ends it, or has to say first that it does not know it.
    #[error("the work has a keeper that knows it, or does not answer")]
    Kept {
        /// Whether the keeper did not answer.
        is_silent: bool,
    },
    /// The owner's plan is not known (any more).
    #[error("the plan {0}")]
    UnknownTier(#[from] UnknownTier),
    /// Fields that are wrong in a way only the books know.
    #[error("invalid fields")]
    Invalid(Vec<FieldViolation>),
    /// The books do not answer.
    #[error("the books do not answer")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
    /// The books are not as we left them, or refuse what we write: a fault of ours.
    #[error("the books are broken")]
    Broken(#[source] Box<dyn StdError + Send + Sync>),
}

impl Error {
    /// One field that is wrong in a way only the books know.
    #[must_use]
    pub fn invalid(field: &str, description: &impl ToString) -> Self {
        let (field, description) = (field.to_owned(), description.to_string());
        Self::Invalid(vec![FieldViolation { field, description }])
    }
}

/// Which limits stand in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The owner's plan.
    pub tier: String,
    /// Every limit the request goes over, the one that resets last first: until then nothing
    /// changes for certain. Never empty.
    pub over: Vec<Standing>,
    /// When it was refused.
    pub at: Timestamp,
}

impl Refusal {
    /// The limits of these that the request goes over, or none when it fits under all.
    #[must_use]
    pub fn of(tier: &str, standings: Vec<Standing>, at: Timestamp) -> Option<Self> {
        let in_the_way = |one: &Standing| one.check.is_hard && !one.fits();
        let mut over: Vec<Standing> = standings.into_iter().filter(in_the_way).collect();
        over.sort_by_key(|one| std::cmp::Reverse(one.check.reset));
        let tier = tier.to_owned();
        (!over.is_empty()).then_some(Self { tier, over, at })
    }

    /// Whether money is what is missing.
    #[must_use]
    pub fn is_money(&self) -> bool {
        self.over.iter().any(|one| one.check.key.meter.is_money())
    }

    /// How long until every limit in the way starts anew; none when waiting does not help: the
    /// request is larger than a whole limit, or one never starts anew.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let is_hopeless = |one: &Standing| {
            one.check.amount > one.check.limit || one.check.reset == Timestamp(i64::MAX)
        };
        if self.over.iter().any(is_hopeless) {
            return None;
        }
        Some(self.over.first()?.check.reset.since(self.at))
    }
}

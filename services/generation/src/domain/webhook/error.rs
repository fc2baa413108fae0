//! Why a webhook was not made, changed or tried.

use crate::domain::error::Error as Base;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field cannot be taken: its name and what it must be.
    #[error("{0} {1}")]
    Invalid(&'static str, String),
    /// There is none, or it is not the caller's: which of the two things there are.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The user has as many as there may be.
    #[error("there are as many webhooks as there may be")]
    TooMany,
    /// Nothing is sent to it.
    #[error("the webhook is disabled")]
    Disabled,
    /// The machine gives no random bytes.
    #[error("no random bytes")]
    NoSecret,
    /// As everywhere.
    #[error(transparent)]
    Base(#[from] Base),
}

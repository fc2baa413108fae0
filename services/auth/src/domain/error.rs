//! Everything a use case can come to besides success.

use std::time::Duration;

/// Why an operation was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is unknown or the password is not its password: nobody is told which.
    #[error("e-mail and password do not belong together")]
    InvalidCredentials,
    /// The refresh token is unknown, expired, used up, or of a session that ended.
    #[error("the refresh token is not good, or no longer")]
    InvalidRefreshToken,
    /// An account with this address exists.
    #[error("an account with this e-mail exists")]
    EmailTaken,
    /// The caller's token is fine but the account it names is gone.
    #[error("the account is gone")]
    AccountGone,
    /// No account has this id.
    #[error("there is no such user")]
    NoSuchUser,
    /// The caller has no API key like this, or nobody has one that is good.
    #[error("there is no such API key")]
    NoSuchKey,
    /// The caller has as many good API keys as may be.
    #[error("too many API keys")]
    TooManyKeys,
    /// A new API key would not be good for a moment.
    #[error("the API key would have expired")]
    ExpiresTooSoon,
    /// Too many wrong passwords for one address; good again after the wait.
    #[error("too many wrong passwords for one account")]
    TooManyAttempts(Duration),
    /// Every place for hashing passwords is taken, and stayed so.
    #[error("too many sign-ins at once")]
    Overloaded,
    /// The database does not answer; nothing was done.
    #[error("the database does not answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A fault of ours.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// A fault of ours, with its cause for the log.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }
}

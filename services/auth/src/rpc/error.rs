//! The domain's errors as the wire says them: reason, sentence, and how long to wait.

use std::time::Duration;

use errors::{Fault, Reason};

use crate::domain::{ApiKeys, Error};

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::InvalidCredentials => Self::new(
                Reason::InvalidCredentials,
                "the credentials do not belong together",
            ),
            Error::InvalidRefreshToken => Self::new(
                Reason::InvalidRefreshToken,
                "the refresh token is unknown, expired or already used; sign in again",
            ),
            Error::EmailTaken => Self::new(
                Reason::EmailTaken,
                "an account with this e-mail exists; sign in instead",
            ),
            Error::AccountGone => Self::new(
                Reason::Unauthenticated,
                "the account of this access token is gone",
            ),
            Error::NoSuchUser => Self::not_found("user"),
            Error::NoSuchKey => Self::not_found("API key"),
            Error::TooManyKeys => Self::new(
                Reason::WrongState,
                format!("there are {} API keys already; revoke one", ApiKeys::MOST),
            ),
            Error::ExpiresTooSoon => Self::field("expiresAt", "must be to come"),
            Error::TooManyAttempts(wait) => Self::new(
                Reason::RateLimited,
                "too many wrong passwords for this account; wait and try again",
            )
            .retry_in(wait),
            Error::Overloaded => Self::new(
                Reason::Overloaded,
                "too many sign-ins at once; nothing was done, try again",
            )
            .retry_in(Duration::from_secs(1)),
            Error::Unavailable(cause) => Self::unavailable("the database", cause),
            Error::Internal(cause) => Self::internal(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_tried_again_says_when() {
        let wait = Duration::from_secs(4);
        let fault = Fault::from(Error::TooManyAttempts(wait));
        assert_eq!(
            (fault.reason, fault.retry_after),
            (Reason::RateLimited, Some(wait))
        );
        let fault = Fault::from(Error::Overloaded);
        assert_eq!(fault.reason, Reason::Overloaded);
        assert!(fault.retry_after.is_some());
    }

    #[test]
    fn causes_stay_inside() {
        for error in [
            Error::internal("the cause"),
            Error::Unavailable("the cause".into()),
        ] {
            let fault = Fault::from(error);
            assert!(!fault.message.contains("the cause"), "{}", fault.message);
            assert!(fault.cause.is_some());
        }
    }
}

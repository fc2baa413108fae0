//! The verified caller of an rpc.

use std::fmt;
use std::str::FromStr;

use errors::{Fault, Reason};
use types::{SessionId, Timestamp, UserId};

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Uses the product.
    User,
    /// Runs it.
    Admin,
    /// Is part of it.
    Service,
}

impl Role {
    /// As it stands in a token.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
            Self::Service => "service",
        }
    }
}

impl FromStr for Role {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "user" => Ok(Self::User),
            "admin" => Ok(Self::Admin),
            "service" => Ok(Self::Service),
            _ => Err(()),
        }
    }
}

/// A caller whose token was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// What the caller may do.
    pub role: Role,
    /// A user's id, or the service's name.
    pub subject: String,
    /// The user who calls, or the user a service acts for.
    pub owner: Option<UserId>,
    /// The owner's plan, e.g. `free`; empty when there is no owner.
    pub tier: String,
    /// The sign-in the token came from; none for services.
    pub session: Option<SessionId>,
    /// When the token ends.
    pub expires_at: Timestamp,
}

impl Caller {
    /// The user whose things this call may touch.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` when a service calls without naming the user it acts for.
    pub fn owner(&self) -> Result<UserId, Fault> {
        self.owner.ok_or_else(|| {
            Fault::new(
                Reason::PermissionDenied,
                "a service must name the user it acts for in 'x-bottega-owner'",
            )
        })
    }

    /// Whether another service of the suite calls.
    #[must_use]
    pub fn is_service(&self) -> bool {
        self.role == Role::Service
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.role.as_str(), self.subject)
    }
}

/// The caller the access layer put into the request.
///
/// # Errors
/// `UNAUTHENTICATED` when there is none: the rpc is public and no token was sent.
pub fn caller_of<T>(request: &tonic::Request<T>) -> Result<&Caller, Fault> {
    request.extensions().get::<Caller>().ok_or_else(|| {
        Fault::new(
            Reason::Unauthenticated,
            "an access token is needed: send 'authorization: Bearer <accessToken>'",
        )
    })
}

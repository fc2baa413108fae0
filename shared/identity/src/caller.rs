//! The verified caller of an rpc.

use std::fmt;
use std::str::FromStr;

use std::sync::Arc;

use errors::{Fault, Reason};
use types::{ApiKeyId, SessionId, Timestamp, UserId};

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

/// The API key a caller's token was given for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Which key.
    pub key: ApiKeyId,
    /// What it may do, as policies name it.
    pub scopes: Vec<String>,
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
    /// The API key the token stands for; none for those who signed in, who may do all they may.
    pub grant: Option<Arc<Grant>>,
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

    /// Checks that the caller may call an rpc whose policy names this scope; empty is for no API key.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` when an API key calls that was not made for this.
    pub fn check_scope(&self, scope: &str) -> Result<(), Fault> {
        let Some(grant) = &self.grant else {
            return Ok(());
        };
        if scope.is_empty() {
            let message = "API keys may not do this; sign in";
            return Err(Fault::new(Reason::PermissionDenied, message));
        }
        if grant.scopes.iter().any(|one| one == scope) {
            return Ok(());
        }
        let message = format!("this API key may not do this: it lacks the scope '{scope}'");
        Err(Fault::new(Reason::PermissionDenied, message).with("scope", scope))
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

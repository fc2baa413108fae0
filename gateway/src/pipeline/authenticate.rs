//! Step 2: who calls, and whether they may.

use contracts::policy::v1::policy::Access;
use errors::{Fault, Reason};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use identity::{Caller, Role};

use crate::endpoint::Endpoint;
use crate::failure::Failure;
use crate::gateway::Gateway;

/// Verifies the token, where the rpc asks for one.
///
/// # Errors
/// `UNAUTHENTICATED`, and `UNAVAILABLE` when there are no keys to verify it with.
pub(super) async fn caller(
    gateway: &Gateway,
    endpoint: &Endpoint,
    headers: &HeaderMap,
) -> Result<Option<Caller>, Fault> {
    if endpoint.access == Access::Public {
        return Ok(None);
    }
    let token = bearer(headers).ok_or_else(|| {
        let message = "an access token is needed: send 'authorization: Bearer <accessToken>'";
        Fault::new(Reason::Unauthenticated, message)
    })?;
    gateway.verifier.verify(token).await.map(Some)
}

/// Checks that the caller may call this rpc at all.
///
/// # Errors
/// `PERMISSION_DENIED`.
pub(super) fn admit(endpoint: &Endpoint, caller: Option<&Caller>) -> Result<(), Failure> {
    let Some(caller) = caller else {
        return Ok(());
    };
    match (endpoint.access, caller.role) {
        (Access::User, Role::User | Role::Admin) | (Access::Admin, Role::Admin) => Ok(()),
        (Access::User, Role::Service) => Err(denied(
            "services call each other directly, not through the gateway",
        )),
        _ => Err(denied("this needs the admin role")),
    }
}

fn denied(message: &str) -> Failure {
    Fault::new(Reason::PermissionDenied, message).into()
}

/// The token of `Authorization: Bearer <token>`; the scheme's case does not matter (RFC 9110).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

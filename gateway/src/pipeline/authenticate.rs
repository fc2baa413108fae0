//! Step 2: who calls, and whether they may.

use contracts::policy::v1::policy::Access;
use errors::{Fault, Reason};
use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName};
use identity::{ApiKey, Caller, Role};

use crate::endpoint::Endpoint;
use crate::failure::Failure;
use crate::gateway::Gateway;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Verifies the token, where the rpc asks for one. An API key is exchanged for one first, which takes its
/// place in the headers: nothing behind this knows of keys.
///
/// # Errors
/// `UNAUTHENTICATED`, and `UNAVAILABLE` when there are no keys to verify it with.
pub(super) async fn caller(
    gateway: &Gateway,
    access: Access,
    headers: &mut HeaderMap,
) -> Result<Option<Caller>, Fault> {
    if access == Access::Public {
        return Ok(None);
    }
    let key = match credential(headers)? {
        Credential::Token(token) => return gateway.verifier.verify(token).await.map(Some),
        Credential::Key(key) => key,
    };
    let pass = gateway.keys.pass(key).await?;
    headers.remove(API_KEY);
    headers.insert(AUTHORIZATION, pass.authorization.clone());
    Ok(Some(pass.caller.clone()))
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
        (Access::User, Role::User | Role::Admin) | (Access::Admin, Role::Admin) => {
            Ok(caller.check_scope(&endpoint.policy.scope)?)
        }
        (Access::User, Role::Service) => Err(denied(
            "services call each other directly, not through the gateway",
        )),
        _ => Err(denied("this needs the admin role")),
    }
}

fn denied(message: &str) -> Failure {
    Fault::new(Reason::PermissionDenied, message).into()
}

/// What a request signs in with.
enum Credential<'a> {
    Token(&'a str),
    Key(&'a str),
}

/// The one credential of a request. Of two, one would be believed and the other passed on unseen.
fn credential(headers: &HeaderMap) -> Result<Credential<'_>, Fault> {
    let key = headers.get(API_KEY).map(|key| key.to_str().unwrap_or("?"));
    let problem = match (bearer(headers), key) {
        (None, Some(key)) if !headers.contains_key(AUTHORIZATION) => {
            return Ok(Credential::Key(key));
        }
        (Some(token), None) if ApiKey::is_meant(token) => return Ok(Credential::Key(token)),
        (Some(token), None) => return Ok(Credential::Token(token)),
        (_, Some(_)) => "send either 'authorization' or 'x-api-key', not both",
        (None, None) => {
            "an access token or an API key is needed: send 'authorization: Bearer <accessToken>'"
        }
    };
    Err(Fault::new(Reason::Unauthenticated, problem))
}

/// The token of `Authorization: Bearer <token>`; the scheme's case does not matter (RFC 9110).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

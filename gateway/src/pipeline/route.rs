//! Step 1: which rpc.

use std::sync::Arc;

use errors::{Fault, Reason};
use http::Method;
use http::request::Parts;
use transcoding::{RouteError, RouteMatch};

use crate::endpoint::Endpoint;
use crate::failure::Failure;
use crate::gateway::Gateway;

/// The rpc, and what the path said.
pub(super) struct Found {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) found: RouteMatch,
}

/// Finds the rpc.
///
/// # Errors
/// `UNKNOWN_ROUTE`, `METHOD_NOT_ALLOWED`, and `INVALID_REQUEST` for a path that is malformed.
pub(super) fn find(gateway: &Gateway, parts: &Parts) -> Result<Found, Failure> {
    let found = gateway
        .router
        .find(&parts.method, parts.uri.path())
        .map_err(refusal)?;
    let endpoint = gateway.endpoints.get(&found.route.method).cloned();
    let endpoint = endpoint.ok_or_else(unknown)?;
    Ok(Found { endpoint, found })
}

fn refusal(error: RouteError) -> Failure {
    match error {
        RouteError::NotFound => unknown(),
        RouteError::MethodNotAllowed { allow } => {
            let names: Vec<&str> = allow.iter().map(Method::as_str).collect();
            Failure::method_not_allowed(&names.join(", "))
        }
        RouteError::BadPath(violation) if violation.field.is_empty() => {
            Fault::new(Reason::InvalidRequest, violation.description).into()
        }
        RouteError::BadPath(violation) => {
            Fault::field(&violation.field, violation.description).into()
        }
    }
}

fn unknown() -> Failure {
    let message = "there is no such route; /openapi.json lists those there are";
    Fault::new(Reason::UnknownRoute, message).into()
}

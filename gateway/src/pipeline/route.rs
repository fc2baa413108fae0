//! Step 1: which rpc.

use std::sync::Arc;

use errors::{Fault, Reason};
use http::Method;
use http::request::Parts;
use transcoding::{RouteError, RouteMatch};

use crate::endpoint::Endpoint;
use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::wire::{self, Protocol, Wire};

/// The rpc, and how it is called.
pub(super) struct Found {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) way: Way,
}

/// How an rpc is called.
#[derive(Debug)]
pub(crate) enum Way {
    /// By a route of the JSON API, with what the path said.
    Api(RouteMatch),
    /// By its own name.
    Rpc(Protocol),
}

/// Finds the rpc.
///
/// # Errors
/// `UNKNOWN_ROUTE`, `METHOD_NOT_ALLOWED`, `UNSUPPORTED_MEDIA_TYPE`, and `INVALID_REQUEST` for a path
/// that is malformed.
pub(super) fn find(gateway: &Gateway, wire: Wire, parts: &Parts) -> Result<Found, Failure> {
    let path = parts.uri.path();
    if let Wire::Rpc(protocol) = wire {
        let endpoint = gateway.endpoints.at(path).ok_or_else(wire::unknown)?;
        wire::check(protocol, endpoint, parts)?;
        return Ok(Found {
            endpoint: Arc::clone(endpoint),
            way: Way::Rpc(protocol),
        });
    }
    let found = gateway.router.find(&parts.method, path).map_err(refusal)?;
    let endpoint = gateway.endpoints.get(&found.route.method).cloned();
    let endpoint = endpoint.ok_or_else(unknown)?;
    Ok(Found {
        endpoint,
        way: Way::Api(found),
    })
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

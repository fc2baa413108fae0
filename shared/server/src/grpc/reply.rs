//! Answers that come from the layers and not from a handler.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use errors::Fault;
use telemetry::RequestContext;
use tonic::Status;

use super::rules::Rule;

/// Ends a call with a fault.
pub(super) fn refuse(fault: Fault) -> Response {
    Status::from(fault).into_http()
}

/// What the outermost layer found out about a call. It is there on every request; the answer for
/// one without is the one that does no harm.
pub(super) fn call_of(request: &Request) -> Option<(Arc<Rule>, RequestContext)> {
    let rule = request.extensions().get::<Arc<Rule>>()?;
    let context = request.extensions().get::<RequestContext>()?;
    Some((Arc::clone(rule), context.clone()))
}

/// The answer when a layer below the outermost one runs without it.
pub(super) fn no_context() -> Response {
    refuse(Fault::internal("a call without a context"))
}

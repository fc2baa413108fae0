//! Outermost: names the call, gives it an id, and echoes the id whatever becomes of the call.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderValue;
use telemetry::RequestContext;
use tracing::{Instrument, info_span};

use super::Shared;

const REQUEST_ID: &str = "x-request-id";
// A W3C traceparent has 55 characters; later versions may add some.
const MAX_TRACEPARENT: usize = 128;

pub(super) async fn layer(
    State(shared): State<Arc<Shared>>,
    mut request: Request,
    next: Next,
) -> Response {
    let rule = shared.rules.find(request.uri().path());
    let mut context = RequestContext::with_id(header(&request, REQUEST_ID));
    context.traceparent = header(&request, "traceparent")
        .filter(|text| text.len() <= MAX_TRACEPARENT)
        .map(ToOwned::to_owned);
    let id = HeaderValue::from_str(&context.request_id);
    let span = info_span!(parent: None, "call", rpc = rule.rpc, request.id = context.request_id);
    request.extensions_mut().insert(rule);
    request.extensions_mut().insert(context);
    let mut response = next.run(request).instrument(span).await;
    // An id was checked to fit a header, so this never fails.
    if let Ok(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

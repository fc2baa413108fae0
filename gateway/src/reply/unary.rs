//! One reply: JSON, the bytes it is, or what the protocol makes of it.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderValue;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use transcoding::Route;

use super::{contract_broken, has_body, head_of, http_body_of, media_type_of, respond};
use crate::failure::Failure;
use crate::pipeline::{Call, Way};

/// The response of a reply that came whole.
///
/// # Errors
/// `INTERNAL` when the reply breaks its contract.
pub(crate) fn unary(call: &Call, replied: tonic::Response<Bytes>) -> Result<Response, Failure> {
    match &call.way {
        Way::Api(found) => in_json(call, &found.route, replied),
        Way::Rpc(protocol) => protocol.unary(&call.endpoint.method, replied),
    }
}

fn in_json(
    call: &Call,
    route: &Route,
    replied: tonic::Response<Bytes>,
) -> Result<Response, Failure> {
    let (metadata, bytes, _) = replied.into_parts();
    let (status, mut headers) = head_of(&call.endpoint, &metadata);
    // The length is that of the JSON, whatever a service says.
    headers.remove(CONTENT_LENGTH);
    if !has_body(status) {
        return Ok(respond(status, headers, Body::empty()));
    }
    if route.returns_http_body() {
        let content = http_body_of(route, &bytes)?;
        headers.insert(CONTENT_TYPE, media_type_of(&content.content_type));
        return Ok(respond(status, headers, Body::from(content.data)));
    }
    let message = route.decode_reply(&bytes).map_err(contract_broken)?;
    let json = route.encode(&message).map_err(contract_broken)?;
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(json.len()));
    Ok(respond(status, headers, Body::from(json)))
}

//! Step 7: a service's reply as an HTTP response.

mod download;
mod stream;
mod unary;

use axum::response::Response;
use contracts::google::api::HttpBody;
use errors::Fault;
use http::{HeaderMap, HeaderValue, StatusCode};
use prost::Message;
use prost_reflect::DynamicMessage;
use tonic::metadata::MetadataMap;
use transcoding::{EncodeError, Route};

use crate::endpoint::Endpoint;
use crate::failure::Failure;
use crate::upstream::pass_back;

pub(crate) use download::download;
pub(crate) use stream::{events, messages};
pub(crate) use unary::unary;

/// Status and headers of a success: the policy's, unless the service's metadata says otherwise.
fn head_of(endpoint: &Endpoint, metadata: &MetadataMap) -> (StatusCode, HeaderMap) {
    let asked = metadata
        .get("x-http-code")
        .and_then(|value| value.to_str().ok());
    // A failure is a gRPC status; metadata only chooses among successes.
    let asked = asked
        .and_then(|text| text.parse().ok())
        .filter(|code| (200..400).contains(code));
    let status = asked.and_then(|code| StatusCode::from_u16(code).ok());
    let own = u16::try_from(endpoint.policy.status)
        .ok()
        .filter(|code| *code != 0);
    let own = own
        .and_then(|code| StatusCode::from_u16(code).ok())
        .unwrap_or(StatusCode::OK);
    (status.unwrap_or(own), pass_back(metadata))
}

/// Whether a response of this status has a body at all (RFC 9110).
fn has_body(status: StatusCode) -> bool {
    status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED
}

/// The bytes inside a reply that is one.
fn http_body_of(route: &Route, bytes: &[u8]) -> Result<HttpBody, Failure> {
    let Some(field) = &route.response_body else {
        return HttpBody::decode(bytes).map_err(|error| Fault::internal(error).into());
    };
    let message = route.decode_reply(bytes).map_err(contract_broken)?;
    let value = message.get_field(field);
    let inner = value
        .as_message()
        .map(DynamicMessage::transcode_to::<HttpBody>);
    inner
        .unwrap_or_else(|| Ok(HttpBody::default()))
        .map_err(|error| Fault::internal(error).into())
}

/// A media type from a service; what cannot stand in a header is named as plain bytes.
fn media_type_of(text: &str) -> HeaderValue {
    match HeaderValue::from_str(text) {
        Ok(value) if !text.is_empty() => value,
        _ => HeaderValue::from_static("application/octet-stream"),
    }
}

fn contract_broken(error: EncodeError) -> Failure {
    Fault::internal(error).into()
}

/// What a response is when its parts are known.
fn respond(status: StatusCode, headers: HeaderMap, body: axum::body::Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

//! Tells callers that their message cannot be read: tonic calls that a fault of ours.

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use errors::{Fault, Reason};
use tonic::{Code, Status};

use super::reply::refuse;

// How tonic 0.14 begins what it says of a message it cannot read, always as INTERNAL and before any
// handler sees it.
const UNREADABLE: [&str; 5] = [
    "failed to decode Protobuf message",
    "protocol error: received message with invalid compression flag",
    "Error decompressing",
    "Unexpected EOF decoding stream",
    "Missing request message",
];

/// Answers `INVALID_ARGUMENT` for what the client got wrong.
pub(super) async fn layer(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if !is_unreadable(response.headers()) {
        return response;
    }
    refuse(Fault::new(
        Reason::InvalidRequest,
        "the message cannot be read as this rpc's request",
    ))
}

// Our own faults carry details; a status without them that fails before the first message is
// tonic's own.
fn is_unreadable(headers: &HeaderMap) -> bool {
    if headers.contains_key(Status::GRPC_STATUS_DETAILS) {
        return false;
    }
    let Some(status) = Status::from_header_map(headers) else {
        return false;
    };
    let message = status.message();
    status.code() == Code::Internal && UNREADABLE.iter().any(|start| message.starts_with(start))
}

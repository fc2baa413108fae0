//! A request body of any size as a client stream. The stream ends cleanly only when the body was
//! whole; a body that breaks off resets the call, so that nothing of it is kept.

mod multipart;
mod pieces;
mod raw;
mod slot;
mod source;

use axum::response::Response;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use transcoding::RouteMatch;

use crate::body::RequestBody;
use crate::endpoint::UploadRule;
use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::pipeline::Call;
use crate::reply;

pub(crate) use pieces::{ROOM_BYTES, send};
pub(crate) use slot::fill_slot;

/// Streams the body to the service and answers with its reply.
///
/// # Errors
/// `TOO_LARGE`, `INCOMPLETE_BODY`, wrong fields; else what the service answers, as soon as it does.
pub(crate) async fn answer(
    gateway: &Gateway,
    call: &Call,
    found: &RouteMatch,
    rule: &UploadRule,
    body: RequestBody,
) -> Result<Response, Failure> {
    let body = body.limited(&call.headers, gateway.limits.upload_bytes)?;
    let content_type = media_type(&call.headers);
    let opened = match multipart::boundary_of(&content_type)? {
        Some(boundary) => multipart::open(call, found, rule, body, &boundary).await?,
        None => raw::open(call, found, content_type, body)?,
    };
    let replied = send(call, opened.messages()).await?;
    reply::unary(call, replied)
}

/// What the client calls its body. A form is what curl calls any `--data`: it says nothing.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let given = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let is_form = given
        .to_ascii_lowercase()
        .starts_with("application/x-www-form-urlencoded");
    if is_form {
        String::new()
    } else {
        given.to_owned()
    }
}

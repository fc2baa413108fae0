//! Steps 4 to 6 of a call of an rpc by its name: its messages pass as they are, or from JSON.

use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use futures::{Stream, stream};
use http::Method;

use super::{Call, reserve};
use crate::body::RequestBody;
use crate::endpoint::Shape;
use crate::failure::Failure;
use crate::gateway::{Gateway, Limits};
use crate::wire::{Codec, Envelopes, Protocol, message_of};
use crate::{reply, upload};

/// The most bytes a message of a stream may have; services take no larger one.
const MAX_STREAMED_BYTES: usize = 4 * 1024 * 1024;
/// How many bytes of a stream are in memory at most: a message as it comes, and those that wait.
pub(super) const ROOM_BYTES: u64 = 4 * MAX_STREAMED_BYTES as u64;

/// Sends a call.
///
/// # Errors
/// What is wrong with the request; else what the services answer.
pub(super) async fn send(
    gateway: Arc<Gateway>,
    call: Call,
    protocol: Protocol,
    body: RequestBody,
) -> Result<Response, Failure> {
    if let Shape::Upload(_) = &call.endpoint.shape {
        let body = body.limited(&call.headers, gateway.limits.upload_bytes)?;
        let messages = messages(&call, protocol, body);
        let replied = upload::send(&call, messages).await?;
        return reply::unary(&call, replied);
    }
    let message = message(&gateway.limits, &call, protocol, body).await?;
    match &call.endpoint.shape {
        Shape::Events(_) | Shape::Download => reply::messages(&call, protocol, message).await,
        Shape::Unary | Shape::Upload(_) => reserve::forward(gateway, call, message).await,
    }
}

/// The only message of a request.
async fn message(
    limits: &Limits,
    call: &Call,
    protocol: Protocol,
    body: RequestBody,
) -> Result<Bytes, Failure> {
    let limit = limits.json_bytes;
    let bytes = match protocol {
        Protocol::Connect(_) if call.method != Method::POST => {
            message_of(call.query.as_deref().unwrap_or_default())?
        }
        Protocol::Connect(_) => body.limited(&call.headers, limit)?.collect().await?,
        Protocol::ConnectStream(_) | Protocol::GrpcWeb { .. } | Protocol::Grpc(_) => {
            // Room for the envelope, and for base64.
            let body = body.limited(&call.headers, limit.saturating_mul(2))?;
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            Envelopes::of(body, protocol.is_text(), limit)
                .only()
                .await?
        }
    };
    protocol
        .codec()
        .request(&call.endpoint.method.input(), bytes)
}

/// The messages of a request, each as it comes.
fn messages(
    call: &Call,
    protocol: Protocol,
    body: RequestBody,
) -> impl Stream<Item = Result<Bytes, Failure>> + use<> {
    let envelopes = Envelopes::of(body, protocol.is_text(), MAX_STREAMED_BYTES);
    let input = call.endpoint.method.input();
    let codec: Codec = protocol.codec();
    stream::try_unfold(
        (envelopes, input),
        move |(mut envelopes, input)| async move {
            let Some(bytes) = envelopes.next().await? else {
                return Ok(None);
            };
            let message = codec.request(&input, bytes)?;
            Ok(Some((message, (envelopes, input))))
        },
    )
}

//! A stream of bytes, passed on as it comes. It ends cleanly only when the service's does.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::stream;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use tonic::{Status, Streaming};
use transcoding::{Route, RouteMatch};

use super::{has_body, head_of, http_body_of, media_type_of, respond};
use crate::failure::Failure;
use crate::pipeline::Call;
use crate::upstream::{Deadline, past_deadline};

/// The response of a stream of `google.api.HttpBody`: its first message says what it is.
///
/// # Errors
/// What the service answers instead of a first message.
pub(crate) async fn download(
    call: &Call,
    found: &RouteMatch,
    message: Bytes,
) -> Result<Response, Failure> {
    let (metadata, pieces, _) = call.upstream().stream(message).await?.into_parts();
    let (status, mut headers) = head_of(&call.endpoint, &metadata);
    let mut source = Source {
        pieces,
        route: Arc::clone(&found.route),
        deadline: call.deadline,
        request_id: call.context.request_id.clone(),
        is_over: false,
    };
    let first = source.next().await?;
    if !has_body(status) {
        return Ok(respond(status, headers, Body::empty()));
    }
    let Some((content_type, data)) = first else {
        return Ok(respond(status, headers, Body::empty()));
    };
    headers.insert(CONTENT_TYPE, content_type);
    let rest = stream::unfold((source, Some(data)), |(mut source, first)| async move {
        let piece = match first {
            Some(data) => Some(Ok(data)),
            None => source.next_of_body().await,
        };
        piece.map(|piece| (piece, (source, None)))
    });
    Ok(respond(status, headers, Body::from_stream(rest)))
}

struct Source {
    pieces: Streaming<Bytes>,
    route: Arc<Route>,
    deadline: Deadline,
    request_id: String,
    is_over: bool,
}

impl Source {
    async fn next(&mut self) -> Result<Option<(HeaderValue, Bytes)>, Failure> {
        let next = self.deadline.limit(self.pieces.message()).await;
        let message: Result<Option<Bytes>, Status> = next.unwrap_or_else(|| Err(past_deadline()));
        let Some(bytes) = message? else {
            return Ok(None);
        };
        let content = http_body_of(&self.route, &bytes)?;
        Ok(Some((
            media_type_of(&content.content_type),
            content.data.into(),
        )))
    }

    // An error here cuts the connection: the client must not take what it has for all there is.
    async fn next_of_body(&mut self) -> Option<Result<Bytes, io::Error>> {
        if self.is_over {
            return None;
        }
        match self.next().await {
            Ok(piece) => piece.map(|(_, data)| Ok(data)),
            Err(failure) => {
                self.is_over = true;
                tracing::warn!(
                    request.id = self.request_id,
                    error = %failure,
                    "download cut"
                );
                Some(Err(io::Error::other(failure.to_string())))
            }
        }
    }
}

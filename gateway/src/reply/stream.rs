//! A stream of messages as a body. However it travels it says how it ended: whole, or cut and why.

mod event;
mod framing;

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use errors::{Fault, Language, Reason};
use futures::{StreamExt, stream};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;
use server::Shutdown;
use tonic::metadata::MetadataMap;
use tonic::{Status, Streaming};
use transcoding::RouteMatch;

use super::{head_of, respond};
use crate::endpoint::{EventRule, Shape};
use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::layers::language;
use crate::pipeline::Call;
use crate::upstream::{Deadline, past_deadline};
use crate::wire::Protocol;
use framing::{Form, Framing};

/// How long the response waits for a first message or error before it begins without one: a
/// stream that is resumed at its newest event may be silent for long.
const FIRST: Duration = Duration::from_millis(500);
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The response of a stream of messages to a call of the JSON API.
///
/// # Errors
/// What the service answers instead of a first message; 406 when the client takes no form of stream.
pub(crate) async fn events(
    gateway: &Gateway,
    call: &Call,
    found: &RouteMatch,
    rule: &EventRule,
    message: Bytes,
) -> Result<Response, Failure> {
    let (content_type, form) = Form::of(&call.headers, found, rule)?;
    let keep_alive = Some(gateway.limits.keep_alive);
    let (metadata, body) = open(call, Framing::Api(form), keep_alive, message).await?;
    let (status, mut headers) = head_of(&call.endpoint, &metadata);
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    Ok(respond(status, unbuffered(headers), body))
}

/// The response of a stream of messages to a call of an rpc by its name.
///
/// # Errors
/// What the service answers instead of a first message.
pub(crate) async fn messages(
    call: &Call,
    protocol: Protocol,
    message: Bytes,
) -> Result<Response, Failure> {
    let framing = Framing::Rpc(protocol, call.endpoint.method.clone());
    let (metadata, body) = open(call, framing, None, message).await?;
    let headers = unbuffered(protocol.headers(&metadata));
    Ok(respond(StatusCode::OK, headers, body))
}

fn unbuffered(mut headers: HeaderMap) -> HeaderMap {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    headers
}

async fn open(
    call: &Call,
    framing: Framing,
    keep_alive: Option<Duration>,
    message: Bytes,
) -> Result<(MetadataMap, Body), Failure> {
    let (metadata, messages, _) = call.upstream().stream(message).await?.into_parts();
    let is_endless = matches!(call.endpoint.shape, Shape::Events(_));
    let mut feed = Feed {
        messages,
        framing,
        deadline: call.deadline,
        keep_alive,
        // What ends by itself is finished while the process stops.
        shutdown: call.shutdown.clone().filter(|_| is_endless),
        request_id: call.context.request_id.clone(),
        language: language::current(),
        is_over: false,
    };
    let mut opening = Vec::from_iter(feed.framing.opening());
    if let Ok(first) = tokio::time::timeout(FIRST, feed.messages.message()).await {
        opening.extend(feed.frame(first?)?);
    }
    let rest = stream::unfold(feed, |mut feed| async move {
        let frame = feed.next().await?;
        Some((frame, feed))
    });
    let frames = stream::iter(opening).chain(rest).map(Ok::<_, Infallible>);
    Ok((metadata, Body::new(StreamBody::new(frames))))
}

/// A stream of messages while it lasts. Dropping it cancels the call.
struct Feed {
    messages: Streaming<Bytes>,
    framing: Framing,
    deadline: Deadline,
    keep_alive: Option<Duration>,
    shutdown: Option<Shutdown>,
    request_id: String,
    language: Option<Language>,
    is_over: bool,
}

impl Feed {
    async fn next(&mut self) -> Option<Frame<Bytes>> {
        if self.is_over {
            return None;
        }
        let outcome = tokio::select! {
            message = self.messages.message() => message,
            () = silence(self.keep_alive) => return Some(self.framing.keep_alive()),
            () = passed(self.deadline) => Err(past_deadline()),
            () = thrown(self.shutdown.as_ref()) => Err(stopping()),
        };
        let framed = outcome
            .map_err(Failure::from)
            .and_then(|message| self.frame(message));
        framed.unwrap_or_else(|failure| Some(self.break_off(&failure)))
    }

    /// A message, or the end of the stream.
    fn frame(&mut self, message: Option<Bytes>) -> Result<Option<Frame<Bytes>>, Failure> {
        match message {
            Some(bytes) => self.framing.message(bytes).map(Some),
            None => {
                self.is_over = true;
                Ok(self.framing.end())
            }
        }
    }

    fn break_off(&mut self, failure: &Failure) -> Frame<Bytes> {
        self.is_over = true;
        tracing::warn!(request.id = self.request_id, error = %failure, "stream cut");
        self.framing.cut(failure, &self.request_id, self.language)
    }
}

async fn silence(patience: Option<Duration>) {
    match patience {
        Some(patience) => tokio::time::sleep(patience).await,
        None => std::future::pending().await,
    }
}

async fn passed(deadline: Deadline) {
    match deadline.instant() {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

async fn thrown(shutdown: Option<&Shutdown>) {
    match shutdown {
        Some(shutdown) => shutdown.triggered().await,
        None => std::future::pending().await,
    }
}

fn stopping() -> Status {
    let message = "this process is stopping; connect again to go on";
    Fault::new(Reason::Unavailable, message)
        .retry_in(Duration::from_secs(1))
        .into()
}

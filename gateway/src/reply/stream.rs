//! A stream of messages as a body. However it travels it says how it ended: whole, or cut and why.

mod event;
mod framing;

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use errors::{Fault, Reason};
use futures::stream;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use server::Shutdown;
use tonic::{Status, Streaming};

use super::{head_of, respond};
use crate::endpoint::EventRule;
use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::pipeline::Call;
use crate::upstream::{Deadline, past_deadline};
use framing::Framing;

/// How long the response waits for a first message or error before it begins without one: a
/// stream that is resumed at its newest event may be silent for long.
const FIRST: Duration = Duration::from_millis(500);
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The response of a stream of messages.
///
/// # Errors
/// What the service answers instead of a first message; 406 when the client takes no form of stream.
pub(crate) async fn stream(
    gateway: &Gateway,
    call: &Call,
    rule: &EventRule,
    message: Bytes,
) -> Result<Response, Failure> {
    let framing = Framing::of(call, rule)?;
    let content_type = HeaderValue::from_static(framing.content_type());
    let (metadata, messages, _) = call.upstream().stream(message).await?.into_parts();
    let mut feed = Feed {
        messages,
        framing,
        deadline: call.deadline,
        keep_alive: gateway.limits.keep_alive,
        shutdown: call.shutdown.clone(),
        request_id: call.context.request_id.clone(),
        is_over: false,
    };
    let mut opening = Vec::from(feed.framing.opening());
    if let Ok(first) = tokio::time::timeout(FIRST, feed.messages.message()).await {
        opening.extend_from_slice(&feed.frame(first?)?);
    }
    let (status, mut headers) = head_of(&call.endpoint, &metadata);
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    let opening = Some(Bytes::from(opening));
    let body = stream::unfold((feed, opening), |(mut feed, opening)| async move {
        let next = match opening {
            Some(text) => Some(text),
            None => feed.next().await,
        };
        next.map(|text| (Ok::<Bytes, Infallible>(text), (feed, None)))
    });
    Ok(respond(status, headers, Body::from_stream(body)))
}

/// A stream of messages while it lasts. Dropping it cancels the call.
struct Feed {
    messages: Streaming<Bytes>,
    framing: Framing,
    deadline: Deadline,
    keep_alive: Duration,
    shutdown: Option<Shutdown>,
    request_id: String,
    is_over: bool,
}

impl Feed {
    async fn next(&mut self) -> Option<Bytes> {
        if self.is_over {
            return None;
        }
        let outcome = tokio::select! {
            message = self.messages.message() => message,
            () = tokio::time::sleep(self.keep_alive) => {
                return Some(Bytes::from_static(self.framing.keep_alive()));
            }
            () = passed(self.deadline) => Err(past_deadline()),
            () = thrown(self.shutdown.as_ref()) => Err(stopping()),
        };
        let framed = outcome
            .map_err(Failure::from)
            .and_then(|message| self.frame(message));
        Some(framed.unwrap_or_else(|failure| self.break_off(&failure)))
    }

    /// A message, or the end of the stream.
    fn frame(&mut self, message: Option<Bytes>) -> Result<Bytes, Failure> {
        match message {
            Some(bytes) => self.framing.message(&bytes),
            None => {
                self.is_over = true;
                Ok(Bytes::from_static(self.framing.end()))
            }
        }
    }

    fn break_off(&mut self, failure: &Failure) -> Bytes {
        self.is_over = true;
        tracing::warn!(request.id = self.request_id, error = %failure, "stream cut");
        self.framing.cut(failure, &self.request_id)
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

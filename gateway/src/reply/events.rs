//! A stream of messages as server-sent events. It says how it ended: `end` when the service's
//! stream was whole, `error` when it was cut.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use errors::{Fault, Reason};
use futures::stream;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use server::Shutdown;
use tonic::{Status, Streaming};
use transcoding::Route;

use super::{contract_broken, frame, head_of, respond};
use crate::endpoint::EventRule;
use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::pipeline::Call;
use crate::upstream::{Deadline, past_deadline};

/// How long the response waits for a first message or error before it begins without one: a
/// stream that is resumed at its newest event may be silent for long.
const FIRST: Duration = Duration::from_millis(500);
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The response of a stream of messages.
///
/// # Errors
/// What the service answers instead of a first message; 406 when the client takes no events.
pub(crate) async fn events(
    gateway: &Gateway,
    call: &Call,
    rule: &EventRule,
    message: Bytes,
) -> Result<Response, Failure> {
    check_accept(&call.headers)?;
    let (metadata, messages, _) = call.upstream().stream(message).await?.into_parts();
    let mut feed = Feed {
        messages,
        rule: rule.clone(),
        route: Arc::clone(&call.found.route),
        deadline: call.deadline,
        keep_alive: gateway.limits.keep_alive,
        shutdown: call.shutdown.clone(),
        request_id: call.context.request_id.clone(),
        is_over: false,
    };
    let mut opening = Vec::from(frame::RETRY);
    if let Ok(first) = tokio::time::timeout(FIRST, feed.messages.message()).await {
        opening.extend_from_slice(&feed.frame(first?)?);
    }
    let (status, mut headers) = head_of(&call.endpoint, &metadata);
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
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

/// A stream of events while it lasts. Dropping it cancels the call.
struct Feed {
    messages: Streaming<Bytes>,
    rule: EventRule,
    route: Arc<Route>,
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
                return Some(Bytes::from_static(frame::KEEP_ALIVE));
            }
            () = passed(self.deadline) => Err(past_deadline()),
            () = thrown(self.shutdown.as_ref()) => Err(stopping()),
        };
        let framed = outcome
            .map_err(Failure::from)
            .and_then(|message| self.frame(message));
        Some(framed.unwrap_or_else(|failure| self.break_off(&failure)))
    }

    /// A message as an event, or the end of the stream.
    fn frame(&mut self, message: Option<Bytes>) -> Result<Bytes, Failure> {
        let Some(bytes) = message else {
            self.is_over = true;
            return Ok(Bytes::from_static(frame::END));
        };
        let message = self.route.decode_reply(&bytes).map_err(contract_broken)?;
        let data = self.route.encode(&message).map_err(contract_broken)?;
        let id = frame::text_at(&message, &self.rule.id);
        let name = frame::text_at(&message, &self.rule.event);
        Ok(frame::event(id.as_deref(), name.as_deref(), &data))
    }

    fn break_off(&mut self, failure: &Failure) -> Bytes {
        self.is_over = true;
        tracing::warn!(request.id = self.request_id, error = %failure, "event stream cut");
        frame::event(None, Some("error"), &failure.json(&self.request_id))
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

fn check_accept(headers: &HeaderMap) -> Result<(), Failure> {
    let accepts = |value: &HeaderValue| {
        let text = value.to_str().unwrap_or_default();
        text.split(',').any(|range| {
            let range = range.split(';').next().unwrap_or_default().trim();
            ["text/event-stream", "text/*", "*/*", ""].contains(&range.to_lowercase().as_str())
        })
    };
    let mut given = headers.get_all(ACCEPT).iter().peekable();
    if given.peek().is_none() || given.any(accepts) {
        return Ok(());
    }
    let message = "this route answers with 'text/event-stream' only";
    let failure = Failure::from(Fault::new(Reason::InvalidRequest, message));
    Err(failure.with_http_status(StatusCode::NOT_ACCEPTABLE))
}

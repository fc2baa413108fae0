//! Counts and logs every call once, when it is over: a stream when its last byte is written.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use errors::code_name;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tonic::{Code, Status};

use super::reply::{call_of, no_context};
use super::rules::Access;

const SLOW: Duration = Duration::from_secs(1);

pub(super) async fn layer(request: Request, next: Next) -> Response {
    let Some((rule, _)) = call_of(&request) else {
        return no_context();
    };
    let mut record = Record {
        rpc: rule.rpc.clone(),
        started: Instant::now(),
        code: None,
        quiet: rule.access == Access::Probe,
        may_last: rule.endless || rule.timeout.is_some(),
        span: tracing::Span::current(),
    };
    metrics::gauge!("grpc_server_calls_under_way").increment(1.0);
    let response = next.run(request).await;
    if let Some(status) = response.extensions().get::<Status>() {
        log_cause(status);
    }
    record.code = code_in(response.headers());
    response.map(|body| Body::new(Recorded { body, record }))
}

/// One call. Dropped when it is over, however that came about.
struct Record {
    rpc: String,
    started: Instant,
    code: Option<Code>,
    // Probes come every few seconds and are logged at debug.
    quiet: bool,
    // Streams and uploads take their time.
    may_last: bool,
    span: tracing::Span,
}

impl Drop for Record {
    fn drop(&mut self) {
        // Without a status nobody waited for one.
        let code = code_name(self.code.unwrap_or(Code::Cancelled));
        let took = self.started.elapsed();
        let rpc = self.rpc.clone();
        metrics::gauge!("grpc_server_calls_under_way").decrement(1.0);
        metrics::counter!("grpc_server_calls_total", "rpc" => rpc.clone(), "code" => code)
            .increment(1);
        metrics::histogram!("grpc_server_call_duration_seconds", "rpc" => rpc).record(took);
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let _entered = self.span.enter();
        if self.quiet {
            tracing::debug!(code, duration_ms, "call");
        } else if took > SLOW && !self.may_last {
            tracing::warn!(code, duration_ms, "slow call");
        } else {
            tracing::info!(code, duration_ms, "call");
        }
    }
}

/// A response's body that learns the call's status from its trailers.
struct Recorded {
    body: Body,
    record: Record,
}

impl http_body::Body for Recorded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(trailers) = frame.trailers_ref()
        {
            self.record.code = code_in(trailers);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn code_in(headers: &HeaderMap) -> Option<Code> {
    let status = headers.get(Status::GRPC_STATUS)?;
    Some(Code::from_bytes(status.as_bytes()))
}

/// Logs why a call failed: the caller never sees the cause, so this is where it ends. The server
/// does it for every handler's status; a handler does it for an error that ends a stream half-way,
/// whose cause cannot be seen from outside.
pub fn log_cause(status: &Status) {
    let Some(cause) = status.source() else {
        return;
    };
    let code = code_name(status.code());
    let cause = chain(cause);
    match status.code() {
        Code::Internal | Code::Unknown | Code::DataLoss => {
            tracing::error!(code, cause, "the call failed");
        }
        _ => tracing::warn!(code, cause, "the call failed"),
    }
}

fn chain(cause: &(dyn Error + 'static)) -> String {
    let mut text = cause.to_string();
    let mut next = cause.source();
    while let Some(error) = next {
        let line = error.to_string();
        // Many errors repeat their source's words in their own.
        if !text.ends_with(&line) {
            text.push_str(": ");
            text.push_str(&line);
        }
        next = error.source();
    }
    text
}

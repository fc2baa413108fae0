//! The access log and the request metrics: every request once, refused and abandoned ones too.

use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::HeaderName;
use http::{HeaderValue, Method};

use super::request_id;
use crate::failure::Refused;

/// From here on a request is worth a warning.
const SLOW: Duration = Duration::from_secs(1);
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
/// What nginx logs for a client that left; nobody is answered with it.
const CLIENT_LEFT: u16 = 499;

/// The rpc that answered, left in the response's extensions.
#[derive(Debug, Clone)]
pub(crate) struct Rpc(pub(crate) String);

/// Notes one request. Streams are noted when they begin: how long they last is up to the client.
pub(super) async fn layer(request: Request, next: Next) -> Response {
    let mut note = Note::begin(&request);
    let mut response = next.run(request).await;
    note.end(&mut response);
    response
}

/// One request under observation; dropped before its end when the client leaves.
struct Note {
    id: String,
    method: Method,
    path: String,
    began: Instant,
    is_open: bool,
}

impl Note {
    fn begin(request: &Request) -> Self {
        metrics::gauge!("bottega_gateway_requests_in_flight").increment(1);
        Self {
            id: request_id::current(),
            method: request.method().clone(),
            path: shortened(request.uri().path()),
            began: Instant::now(),
            is_open: true,
        }
    }

    fn end(&mut self, response: &mut Response) {
        response.headers_mut().insert(SERVER_TIMING, self.timing());
        let refused = response.extensions().get::<Refused>();
        let rpc = response.extensions().get::<Rpc>();
        let rpc = rpc.map_or("-", |rpc| rpc.0.as_str());
        let reason = refused.map_or("", |refused| refused.0);
        self.finish(response.status().as_u16(), rpc, reason);
    }

    /// Until the head of the response: what follows is up to the client.
    fn timing(&self) -> HeaderValue {
        let millis = self.began.elapsed().as_secs_f64() * 1_000.0;
        let text = format!("total;dur={millis:.1}");
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("total"))
    }

    fn finish(&mut self, status: u16, rpc: &str, reason: &str) {
        self.is_open = false;
        let took = self.began.elapsed();
        metrics::gauge!("bottega_gateway_requests_in_flight").decrement(1);
        metrics::counter!(
            "bottega_gateway_requests_total",
            "rpc" => rpc.to_owned(),
            "method" => label_of(&self.method),
            "status" => status.to_string(),
        )
        .increment(1);
        metrics::histogram!("bottega_gateway_request_seconds", "rpc" => rpc.to_owned())
            .record(took.as_secs_f64());
        self.log(status, rpc, reason, took);
    }

    fn log(&self, status: u16, rpc: &str, reason: &str, took: Duration) {
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        macro_rules! note {
            ($level:ident, $sentence:literal) => {
                tracing::$level!(
                    request.id = self.id,
                    http.method = %self.method,
                    url.path = self.path,
                    rpc.method = rpc,
                    http.status = status,
                    duration_ms,
                    reason,
                    $sentence
                )
            };
        }
        if took > SLOW {
            note!(warn, "slow request");
        } else {
            note!(info, "request");
        }
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        if self.is_open {
            self.finish(CLIENT_LEFT, "-", "CLIENT_LEFT");
        }
    }
}

// A client may make methods up; a metric must not grow a label for each.
fn label_of(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

fn shortened(path: &str) -> String {
    path.chars().take(256).collect()
}

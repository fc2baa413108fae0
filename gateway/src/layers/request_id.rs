//! Gives every request an id, which every log line, error and response names.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderValue;
use http::header::HeaderName;
use telemetry::{RequestContext, context};
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Takes the client's id when it is sane, and makes one otherwise.
pub(super) async fn layer(mut request: Request, next: Next) -> Response {
    let given = request
        .headers()
        .get(&REQUEST_ID)
        .and_then(|value| value.to_str().ok());
    let id = given
        .filter(|id| is_sane(id))
        .map_or_else(new_id, str::to_owned);
    let value = HeaderValue::from_str(&id).ok();
    if let Some(value) = &value {
        request.headers_mut().insert(REQUEST_ID, value.clone());
    }
    let traceparent = request
        .headers()
        .get(&TRACEPARENT)
        .and_then(|value| value.to_str().ok());
    let traceparent = traceparent.map(str::to_owned);
    let known = RequestContext {
        request_id: id,
        deadline: None,
        traceparent,
    };
    let mut response = context::scope(known, next.run(request)).await;
    if let Some(value) = value {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// The id of the request that is being served.
pub(crate) fn current() -> String {
    context::current()
        .map(|known| known.request_id)
        .unwrap_or_default()
}

fn new_id() -> String {
    Uuid::now_v7().to_string()
}

// It goes into logs and headers as it is.
fn is_sane(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    (1..=128).contains(&id.len()) && id.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_ids_are_taken_over() {
        assert!(is_sane("019a9f1e-7c1b-7d3a-8f55-0c1d2e3f4a5b"));
        for wrong in ["", "a b", "a\"b", "<x>", &"a".repeat(129)] {
            assert!(!is_sane(wrong), "{wrong}");
        }
    }
}

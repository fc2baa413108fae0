//! Answers to reads have a tag, and who has the answer already is told so (304). HEAD is answered like
//! its GET, without the body.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body::Body as _;
use ring::digest::{SHA256, digest};

/// Larger answers are not read whole for a tag.
const LARGEST: u64 = 4 * 1024 * 1024;

/// Tags what has no tag of its service's.
pub(super) async fn layer(request: Request, next: Next) -> Response {
    let is_head = request.method() == Method::HEAD;
    if !is_head && request.method() != Method::GET {
        return next.run(request).await;
    }
    let known: Vec<HeaderValue> = request
        .headers()
        .get_all(IF_NONE_MATCH)
        .iter()
        .cloned()
        .collect();
    let mut response = next.run(request).await;
    if is_taggable(&response) {
        response = tagged(response).await;
        if is_known(&known, response.headers()) {
            response = not_modified(response);
        }
    }
    // Dropping the body cancels what would have filled it.
    if is_head {
        response = response.map(|_| Body::empty());
    }
    response
}

fn is_taggable(response: &Response) -> bool {
    let size = response.body().size_hint().exact();
    response.status() == StatusCode::OK
        && !response.headers().contains_key(ETAG)
        && size.is_some_and(|size| (1..=LARGEST).contains(&size))
}

async fn tagged(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    // It is in memory already: it neither fails nor waits.
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let hash = digest(&SHA256, &bytes);
    let text: String = (hash.as_ref().iter().take(16))
        .map(|byte| format!("{byte:02x}"))
        .collect();
    // Weak: compressed, it has other bytes.
    if let Ok(tag) = HeaderValue::from_str(&format!("W/\"{text}\"")) {
        parts.headers.insert(ETAG, tag);
    }
    // Kept by the client alone, and asked about each time.
    let asked = HeaderValue::from_static("private, no-cache");
    parts.headers.entry(CACHE_CONTROL).or_insert(asked);
    Response::from_parts(parts, Body::from(bytes))
}

fn is_known(known: &[HeaderValue], headers: &HeaderMap) -> bool {
    let Some(tag) = headers.get(ETAG).and_then(|tag| tag.to_str().ok()) else {
        return false;
    };
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let listed = known.iter().filter_map(|value| value.to_str().ok());
    let mut listed = listed.flat_map(|text| text.split(','));
    listed.any(|one| one.trim() == "*" || opaque(one) == opaque(tag))
}

fn not_modified(response: Response) -> Response {
    let (mut parts, _) = response.into_parts();
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(CONTENT_TYPE);
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::empty())
}

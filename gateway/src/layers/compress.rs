//! Compression: what comes whole and is large enough. Streams are left alone, so that their messages
//! come when they happen.

use http::HeaderMap;
use http::Response;
use http::header::CONTENT_TYPE;
use http_body::Body;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::Predicate;

/// Below this it does not pay.
const SMALLEST: u64 = 1024;

/// Brotli, gzip or zstd, as the client would rather have it.
pub(super) fn layer() -> CompressionLayer<WholeText> {
    CompressionLayer::new().compress_when(WholeText)
}

/// Bodies that are there from their first byte to their last, and get smaller by it.
#[derive(Debug, Clone, Copy)]
pub(super) struct WholeText;

impl Predicate for WholeText {
    fn should_compress<B>(&self, response: &Response<B>) -> bool
    where
        B: Body,
    {
        let size = response.body().size_hint().exact();
        size.is_some_and(|size| size >= SMALLEST) && shrinks(response.headers())
    }
}

fn shrinks(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default();
    kind.starts_with("text/")
        || ["application/json", "application/proto", "image/svg+xml"]
            .iter()
            .any(|known| kind.starts_with(known))
}

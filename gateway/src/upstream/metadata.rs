//! What passes from HTTP headers to gRPC metadata and back: only what is on these lists.

use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use tonic::metadata::MetadataMap;

/// Request headers the services see. Everything else stays here: a client must not be able to say
/// who it acts for (`x-bottega-…`) or to speak gRPC's own words (`grpc-…`).
const REQUEST: [&str; 10] = [
    "authorization",
    "x-request-id",
    "traceparent",
    "tracestate",
    "accept-language",
    "user-agent",
    "range",
    "if-range",
    "if-none-match",
    "if-modified-since",
];

/// Response metadata that HTTP clients see as headers.
const RESPONSE: [&str; 8] = [
    "accept-ranges",
    "cache-control",
    "content-disposition",
    "content-range",
    "etag",
    "idempotency-replayed",
    "last-modified",
    "location",
];
/// The length of the HTTP body. Under its own name it would be that of the gRPC frames, and HTTP/2
/// refuses a stream whose length is another.
const LENGTH: &str = "x-http-content-length";

/// The metadata of a call. An rpc anybody may call is not told the token: one that has expired
/// must not keep its owner from signing in again.
pub(crate) fn pass_on(headers: &HeaderMap, is_public: bool) -> MetadataMap {
    let mut passed = HeaderMap::new();
    for name in REQUEST {
        if is_public && name == "authorization" {
            continue;
        }
        for value in headers.get_all(name) {
            if is_printable(value) {
                passed.append(HeaderName::from_static(name), value.clone());
            }
        }
    }
    MetadataMap::from_headers(passed)
}

/// The response headers a service's metadata asks for.
pub(crate) fn pass_back(metadata: &MetadataMap) -> HeaderMap {
    let mut passed = HeaderMap::new();
    for name in RESPONSE {
        if let Some(value) = metadata.as_ref().get(name) {
            passed.insert(HeaderName::from_static(name), value.clone());
        }
    }
    if let Some(length) = metadata
        .as_ref()
        .get(LENGTH)
        .filter(|length| is_number(length))
    {
        passed.insert(CONTENT_LENGTH, length.clone());
    }
    passed
}

fn is_number(value: &HeaderValue) -> bool {
    value.to_str().is_ok_and(|text| text.parse::<u64>().is_ok())
}

fn is_printable(value: &HeaderValue) -> bool {
    value
        .as_bytes()
        .iter()
        .all(|byte| (0x20..=0x7e).contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_headers_pass() {
        let mut headers = HeaderMap::new();
        for name in [
            "authorization",
            "range",
            "x-bottega-owner",
            "x-user-id",
            "grpc-timeout",
            "cookie",
        ] {
            headers.insert(name, HeaderValue::from_static("x"));
        }
        headers.insert("user-agent", HeaderValue::from_bytes(b"caf\xe9").unwrap());
        let passed = pass_on(&headers, false);
        let mut names: Vec<&str> = passed.as_ref().keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["authorization", "range"]);
        assert!(pass_on(&headers, true).get("authorization").is_none());
    }
}

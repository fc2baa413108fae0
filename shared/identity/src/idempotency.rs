//! The key a caller names a call by, so that repeating the call does nothing twice, and the metadata it
//! travels in (draft-ietf-httpapi-idempotency-key-header).

use http::HeaderMap;
use types::{IdempotencyKey, InvalidIdempotencyKey};

/// The header and the metadata a key travels in.
pub const KEY: &str = "idempotency-key";
/// Stands on an answer that was given before, `true`.
pub const REPLAYED: &str = "idempotency-replayed";
/// Asks for such an answer only: when there is none, nothing is done.
pub const REPLAY_ONLY: &str = "x-bottega-replay-only";

/// The key among these headers.
///
/// # Errors
/// What is wrong with it.
pub fn read(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, String> {
    let mut found = headers.get_all(KEY).iter();
    let Some(text) = found.next() else {
        return Ok(None);
    };
    if found.next().is_some() {
        return Err("must be sent once".to_owned());
    }
    let parsed = text.to_str().map_err(|_| InvalidIdempotencyKey.to_string());
    let parsed = parsed.and_then(|text| {
        text.parse()
            .map_err(|error: InvalidIdempotencyKey| error.to_string())
    });
    parsed.map(Some)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(values: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(KEY, HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    #[test]
    fn a_key_is_visible_ascii_and_sent_once() {
        assert_eq!(read(&headers(&[])), Ok(None));
        let longest = [b'~'; 255];
        for fine in [&b"8e03978e-40d5"[..], b"\"quoted\"", b"!", &longest] {
            let found = read(&headers(&[fine])).unwrap().unwrap();
            assert_eq!(found.as_str().as_bytes(), fine);
        }
        let too_long = [b'k'; 256];
        for wrong in [
            &b""[..],
            b"two words",
            "caf\u{e9}".as_bytes(),
            b"tab\there",
            &too_long,
        ] {
            assert!(read(&headers(&[wrong])).is_err(), "{wrong:?}");
        }
        assert_eq!(
            read(&headers(&[b"a", b"a"])),
            Err("must be sent once".to_owned())
        );
    }
}

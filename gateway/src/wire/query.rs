//! The request of a Connect `GET`: its message and how it is written stand in the query.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use errors::Fault;
use transcoding::query_pairs;

use super::Codec;
use crate::failure::Failure;

/// How the message is written, when the query says it.
pub(super) fn codec_of(query: &str) -> Option<Codec> {
    Codec::of_name(&value_of(query, "encoding")?)
}

/// The value of a name, when it is there once or more and well-formed.
pub(super) fn value_of(query: &str, name: &str) -> Option<String> {
    let pairs = query_pairs(query).flatten();
    let mut named = pairs.filter(|(known, _)| known == name);
    named.next().map(|(_, value)| value.into_owned())
}

/// The message; a query without one is an empty message.
///
/// # Errors
/// `INVALID_FIELD` for base64 that is none.
pub(crate) fn message_of(query: &str) -> Result<Bytes, Failure> {
    let text = value_of(query, "message").unwrap_or_default();
    if value_of(query, "base64").as_deref() != Some("1") {
        return Ok(text.into());
    }
    let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('='));
    let bytes = bytes.map_err(|_| Fault::field("message", "must be base64 in its URL alphabet"))?;
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_texts_or_base64() {
        let plain = message_of("encoding=json&message=%7B%22id%22%3A%22a+b%22%7D&connect=v1");
        assert_eq!(plain.unwrap(), r#"{"id":"a b"}"#);
        for packed in ["message=-_8&base64=1", "base64=1&message=-_8%3D"] {
            assert_eq!(message_of(packed).unwrap(), [0xfb, 0xff].as_slice());
        }
        assert!(message_of("base64=1&message=**").is_err());
        assert!(message_of("connect=v1").unwrap().is_empty());
        assert_eq!(codec_of("encoding=proto"), Some(Codec::Proto));
        assert_eq!(codec_of("encoding=thrift"), None);
    }
}

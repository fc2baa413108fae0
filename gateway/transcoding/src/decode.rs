//! Percent-decoding, done exactly once, with what may stay encoded.

use std::borrow::Cow;

/// Why an encoded text cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DecodeFault {
    /// A `%` without two hexadecimal digits after it.
    BadEscape,
    /// The decoded bytes are not UTF-8.
    NotUtf8,
}

impl DecodeFault {
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::BadEscape => "has a % that is not followed by two hexadecimal digits",
            Self::NotUtf8 => "is not valid UTF-8 once decoded",
        }
    }
}

/// Decodes every escape whose byte `keep` does not claim; a kept escape stays as it was written.
pub(crate) fn percent_decode(
    text: &str,
    keep: impl Fn(u8) -> bool,
) -> Result<Cow<'_, str>, DecodeFault> {
    if !text.as_bytes().contains(&b'%') {
        return Ok(Cow::Borrowed(text));
    }
    decode_bytes(text, keep, b'+').map(Cow::Owned)
}

/// Decodes a name or value of a query: every escape, and `+` as a space.
pub(crate) fn query_decode(text: &str) -> Result<Cow<'_, str>, DecodeFault> {
    if !text.bytes().any(|byte| byte == b'%' || byte == b'+') {
        return Ok(Cow::Borrowed(text));
    }
    decode_bytes(text, |_| false, b' ').map(Cow::Owned)
}

/// Whether every `%` of the text begins a whole escape.
pub(crate) fn escapes_are_whole(text: &str) -> bool {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        if escape_at(rest, at).is_none() {
            return false;
        }
        rest = &rest[at + 3..];
    }
    true
}

fn decode_bytes(text: &str, keep: impl Fn(u8) -> bool, plus: u8) -> Result<String, DecodeFault> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'%' => {
                let decoded = escape_at(bytes, at).ok_or(DecodeFault::BadEscape)?;
                if keep(decoded) {
                    out.extend_from_slice(&bytes[at..at + 3]);
                } else {
                    out.push(decoded);
                }
                at += 3;
            }
            b'+' => {
                out.push(plus);
                at += 1;
            }
            other => {
                out.push(other);
                at += 1;
            }
        }
    }
    String::from_utf8(out).map_err(|_| DecodeFault::NotUtf8)
}

fn escape_at(bytes: &[u8], at: usize) -> Option<u8> {
    let high = hex_digit(*bytes.get(at + 1)?)?;
    let low = hex_digit(*bytes.get(at + 2)?)?;
    Some(high * 16 + low)
}

fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// The reserved characters of RFC 3986.
pub(crate) fn is_reserved(byte: u8) -> bool {
    b"!#$&'()*+,/:;=?@[]".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_escapes_is_not_copied() {
        assert!(matches!(
            percent_decode("a+b", |_| false),
            Ok(Cow::Borrowed("a+b"))
        ));
        assert!(matches!(query_decode("ab"), Ok(Cow::Borrowed("ab"))));
    }

    #[test]
    fn decoding_happens_once() {
        assert_eq!(percent_decode("x%252Fy", |_| false).unwrap(), "x%2Fy");
    }

    #[test]
    fn kept_escapes_stay_as_written() {
        assert_eq!(
            percent_decode("a%2fb%20c", |byte| byte == b'/').unwrap(),
            "a%2fb c"
        );
        assert_eq!(percent_decode("a%3Ab%20c", is_reserved).unwrap(), "a%3Ab c");
    }

    #[test]
    fn plus_is_a_space_in_queries_only() {
        assert_eq!(query_decode("a+b%2Bc").unwrap(), "a b+c");
        assert_eq!(percent_decode("a+b%2Bc", |_| false).unwrap(), "a+b+c");
    }

    #[test]
    fn broken_escapes_and_broken_text_are_told_apart() {
        for broken in ["%", "%4", "a%zz", "%%41"] {
            assert_eq!(query_decode(broken), Err(DecodeFault::BadEscape));
            assert!(!escapes_are_whole(broken));
        }
        assert_eq!(query_decode("%c3%28"), Err(DecodeFault::NotUtf8));
        assert!(escapes_are_whole("%c3%28/%20"));
    }
}

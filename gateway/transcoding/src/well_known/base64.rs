//! Bytes as text: standard or URL alphabet, padded or not, on the way in; standard padded out.

use base64::Engine as _;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// What a text must be to be read as bytes.
pub(crate) const EXPECTED: &str = "must be base64";

const STANDARD_ENGINE: GeneralPurpose = lenient(&STANDARD);
const URL_SAFE_ENGINE: GeneralPurpose = lenient(&URL_SAFE);

const fn lenient(alphabet: &Alphabet) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(alphabet, config)
}

pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let is_url_safe = text.bytes().any(|byte| byte == b'-' || byte == b'_');
    let engine = if is_url_safe {
        URL_SAFE_ENGINE
    } else {
        STANDARD_ENGINE
    };
    engine.decode(text).ok()
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD_ENGINE.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_the_same_bytes() {
        for text in ["/+8=", "/+8", "_-8=", "_-8"] {
            assert_eq!(decode(text).as_deref(), Some(&[0xff, 0xef][..]), "{text}");
        }
        assert_eq!(decode("-_").as_deref(), Some(&[0xfb][..]));
        assert_eq!(encode(&[0xff, 0xef]), "/+8=");
    }

    #[test]
    fn what_is_no_base64_is_refused() {
        for text in ["A", "a b=", "é", "_+8=", "===="] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}

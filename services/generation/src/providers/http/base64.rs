//! Pictures as text: written plainly, read with or without a `data:` prefix, padding and breaks.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};
use bytes::Bytes;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A picture as base64.
pub fn encode(bytes: &[u8]) -> String {
    general_purpose::STANDARD.encode(bytes)
}

/// A picture out of base64; `None` when it is none or empty.
pub fn decode_picture(text: &str) -> Option<Bytes> {
    let text = text.trim();
    let code = match text.strip_prefix("data:") {
        Some(rest) => rest.split_once(";base64,")?.1,
        None => text,
    };
    let bytes = if code.bytes().any(|byte| byte.is_ascii_whitespace()) {
        let joined: String = code.split_ascii_whitespace().collect();
        LENIENT.decode(joined)
    } else {
        LENIENT.decode(code)
    };
    bytes
        .ok()
        .filter(|bytes| !bytes.is_empty())
        .map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_providers_write() {
        let want = Some(Bytes::from_static(b"picture"));
        for text in [
            "cGljdHVyZQ==",
            "cGljdHVyZQ",
            " cGlj\r\ndHVyZQ==\n",
            "data:image/png;base64,cGljdHVyZQ==",
        ] {
            assert_eq!(decode_picture(text), want, "{text}");
        }
        for text in [
            "",
            "data:image/png;base64,",
            "data:image/png,abc",
            "!!!",
            "<html>",
        ] {
            assert_eq!(decode_picture(text), None, "{text}");
        }
        assert_eq!(decode_picture(&encode(b"picture")), want);
    }
}

//! What content is, told by its first bytes and never by its name.

use image::ImageFormat;

use super::FileError;

/// How many bytes are needed to tell.
pub const ENOUGH_TO_TELL: usize = 12;

/// The pictures that are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picture {
    /// ISO/IEC 15948.
    Png,
    /// ITU-T T.81.
    Jpeg,
    /// RFC 9649.
    Webp,
}

impl Picture {
    /// Tells by the first bytes; `None` for everything that is not taken.
    #[must_use]
    pub fn sniff(start: &[u8]) -> Option<Self> {
        match start {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Some(Self::Webp),
            _ => None,
        }
    }

    /// Tells by the first bytes and compares with what the content claims to be.
    ///
    /// # Errors
    /// `UnsupportedMediaType` for content that is not taken, or is not what it claims.
    pub fn identify(start: &[u8], declared: &str) -> Result<Self, FileError> {
        let Some(found) = Self::sniff(start) else {
            return Err(FileError::UnsupportedMediaType(
                "the content is not a PNG, JPEG or WebP picture".to_owned(),
            ));
        };
        if found.agrees_with(declared) {
            return Ok(found);
        }
        Err(FileError::UnsupportedMediaType(format!(
            "the content is {}, not what its content type says",
            found.media_type()
        )))
    }

    /// Whether a declared media type means this; an empty or a general one claims nothing.
    #[must_use]
    pub fn agrees_with(self, declared: &str) -> bool {
        let essence = declared.split(';').next().unwrap_or_default().trim();
        match essence.to_ascii_lowercase().as_str() {
            "" | "application/octet-stream" => true,
            "image/png" | "image/x-png" => self == Self::Png,
            "image/jpeg" | "image/jpg" | "image/pjpeg" => self == Self::Jpeg,
            "image/webp" => self == Self::Webp,
            _ => false,
        }
    }

    /// The registered media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
        }
    }

    /// The decoder's name for it.
    #[must_use]
    pub const fn format(self) -> ImageFormat {
        match self {
            Self::Png => ImageFormat::Png,
            Self::Jpeg => ImageFormat::Jpeg,
            Self::Webp => ImageFormat::WebP,
        }
    }
}

#[cfg(test)]
mod tests {
    use testkit::pictures;

    use super::*;

    #[test]
    fn real_pictures_are_told_by_their_start() {
        for (bytes, picture) in [
            (pictures::png(8, 8), Picture::Png),
            (pictures::jpeg(8, 8), Picture::Jpeg),
            (pictures::webp(8, 8), Picture::Webp),
        ] {
            assert_eq!(Picture::sniff(&bytes[..ENOUGH_TO_TELL]), Some(picture));
        }
    }

    #[test]
    fn everything_else_is_not_taken() {
        for start in [
            &b""[..],
            b"hello, world",
            b"GIF89a\x01\0\x01\0\0\0",
            b"<svg xmlns=\"",
            b"<!doctype html>",
            b"%PDF-1.7\n%\xe2\xe3",
            b"PK\x03\x04\x14\0\0\0\0\0\0\0",
            b"MZ\x90\0\x03\0\0\0\x04\0\0\0",
            b"RIFF\x24\0\0\0WAVE",
            b"\x89PNG\n\x1a\n\0\0\0\0\0",
        ] {
            let refused = Picture::identify(start, "");
            assert!(
                matches!(refused, Err(FileError::UnsupportedMediaType(_))),
                "{start:?}"
            );
        }
    }

    #[test]
    fn a_claim_must_be_true() {
        for claim in [
            "",
            "image/jpg",
            "IMAGE/JPEG; q=1",
            "application/octet-stream",
        ] {
            assert!(Picture::Jpeg.agrees_with(claim), "{claim}");
        }
        for claim in ["image/png", "text/plain", "image/*", "jpeg"] {
            assert!(!Picture::Jpeg.agrees_with(claim), "{claim}");
        }
    }
}

//! Looks at what a provider sent: hostile until it has been decoded within bounds.

use std::io::Cursor;

use bytes::Bytes;
use image::{ImageFormat, ImageReader, Limits};
use png::ColorType;

// Wider than any provider paints, small enough that decoding fits in memory: 8192² × 4 bytes are
// 256 MiB, and formats with 16-bit channels need twice that.
const MAX_SIDE: u32 = 8_192;
const MAX_ALLOC: u64 = 512 * 1024 * 1024;
// The file service takes no more in one file from us.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// A picture that decodes.
#[derive(Debug, Clone)]
pub struct Picture {
    /// `image/png`, `image/jpeg` or `image/webp`, found by looking at it.
    pub content_type: &'static str,
    /// Its usual file ending.
    pub extension: &'static str,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// As the provider sent it.
    pub bytes: Bytes,
}

/// Whether pictures of this media type may start a generation.
#[must_use]
pub fn is_taken(content_type: &str) -> bool {
    matches!(content_type, "image/png" | "image/jpeg" | "image/webp")
}

/// Whether a PNG can be transparent in places, by its header alone.
#[must_use]
pub fn has_alpha(bytes: &[u8]) -> bool {
    let decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.read_info().is_ok_and(|reader| {
        let info = reader.info();
        let is_there = matches!(info.color_type, ColorType::Rgba | ColorType::GrayscaleAlpha);
        is_there || info.trns.is_some()
    })
}

/// Decodes a picture whole. Takes a while: call it where blocking is allowed.
///
/// # Errors
/// What is wrong with it, for the log.
pub fn inspect(bytes: Bytes) -> Result<Picture, String> {
    if bytes.len() > MAX_BYTES {
        return Err(format!("{} bytes are more than {MAX_BYTES}", bytes.len()));
    }
    let format = image::guess_format(&bytes).map_err(|error| error.to_string())?;
    let (content_type, extension) = match format {
        ImageFormat::Png => ("image/png", "png"),
        ImageFormat::Jpeg => ("image/jpeg", "jpg"),
        ImageFormat::WebP => ("image/webp", "webp"),
        other => return Err(format!("the format {other:?} is not taken")),
    };
    let mut reader = ImageReader::with_format(Cursor::new(&bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOC);
    reader.limits(limits);
    let decoded = reader.decode().map_err(|error| error.to_string())?;
    Ok(Picture {
        content_type,
        extension,
        width: decoded.width(),
        height: decoded.height(),
        bytes,
    })
}

/// A file name out of a prompt: its first words, without what file systems mind.
#[must_use]
pub fn file_name(prompt: &str, extension: &str) -> String {
    const MAX_CHARS: usize = 60;
    let plain: String = prompt
        .chars()
        .map(|one| if one.is_alphanumeric() { one } else { ' ' })
        .collect();
    let mut name = String::new();
    for word in plain.split_whitespace().take(8) {
        if name.chars().count() + word.chars().count() > MAX_CHARS {
            break;
        }
        if !name.is_empty() {
            name.push(' ');
        }
        name.push_str(word);
    }
    if name.is_empty() {
        name.push_str("picture");
    }
    format!("{name}.{extension}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_a_picture() {
        let picture = inspect(testkit::pictures::png(24, 16).into()).unwrap();
        assert_eq!((picture.width, picture.height), (24, 16));
        assert_eq!(picture.content_type, "image/png");
    }

    #[test]
    fn refuses_what_is_none() {
        let mut cut = testkit::pictures::png(64, 64);
        cut.truncate(cut.len() / 2);
        for bytes in [
            b"<html>busy</html>".to_vec(),
            Vec::new(),
            b"GIF89a\x01\x00\x01\x00".to_vec(),
            cut,
        ] {
            assert!(inspect(bytes.into()).is_err());
        }
    }

    #[test]
    fn names_files_after_the_prompt() {
        let name = file_name("A fox, ../../etc/passwd\u{202e} at dawn", "png");
        assert_eq!(name, "A fox etc passwd at dawn.png");
        assert_eq!(file_name("…", "webp"), "picture.webp");
        assert_eq!(file_name(&"x".repeat(500), "png"), "picture.png");
    }
}

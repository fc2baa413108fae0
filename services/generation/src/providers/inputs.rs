//! Input pictures as a provider wants them: upright, in the size asked for.

use std::io::Cursor;

use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};

use super::http::fault;
use crate::domain::provider::{ErrorClass, InputImage, ProviderError};

/// Input pictures were checked when they were taken in; this bounds what a decoder may use.
const MAX_DECODED: u64 = 512 * 1024 * 1024;

/// Decodes an input picture and turns it upright.
///
/// # Errors
/// `Invalid` when it cannot be decoded.
pub fn decode(input: &InputImage) -> Result<RgbImage, ProviderError> {
    let unreadable = |error: image::ImageError| {
        fault(
            ErrorClass::Invalid,
            format!("an input image cannot be decoded: {error}"),
        )
    };
    let mut reader = ImageReader::new(Cursor::new(&input.bytes));
    match ImageFormat::from_mime_type(&input.content_type) {
        Some(format) => reader.set_format(format),
        None => {
            let detail = format!("an input image is of the type {}", input.content_type);
            return Err(fault(ErrorClass::Invalid, detail));
        }
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODED);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(unreadable)?;
    let orientation = decoder.orientation().map_err(unreadable)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(unreadable)?;
    picture.apply_orientation(orientation);
    Ok(picture.into_rgb8())
}

/// An input picture as PNG of exactly this size: scaled to fill it, what stands over cut off.
///
/// # Errors
/// `Invalid` when it cannot be decoded.
pub fn sized_png(input: &InputImage, width: u32, height: u32) -> Result<Vec<u8>, ProviderError> {
    let picture = DynamicImage::ImageRgb8(decode(input)?);
    let fitted = picture.resize_to_fill(width, height, FilterType::CatmullRom);
    let mut png = Vec::new();
    fitted
        .write_to(&mut Cursor::new(&mut png), ImageFormat::Png)
        .map_err(|error| fault(ErrorClass::Invalid, format!("cannot encode: {error}")))?;
    Ok(png)
}

/// Runs work that keeps a processor busy where it does not hold up others.
///
/// # Errors
/// As `work`; `Unavailable` when it was ended from outside.
pub async fn off_the_loop<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ProviderError> + Send + 'static,
) -> Result<T, ProviderError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(fault(
            ErrorClass::Unavailable,
            format!("the work was ended: {error}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn input(content_type: &str, bytes: Vec<u8>) -> InputImage {
        InputImage {
            content_type: content_type.to_owned(),
            bytes: Bytes::from(bytes),
            width: 40,
            height: 20,
        }
    }

    #[test]
    fn fits_any_size() {
        let mut png = Vec::new();
        let picture = DynamicImage::new_rgba8(40, 20);
        picture
            .write_to(&mut Cursor::new(&mut png), ImageFormat::Png)
            .unwrap();
        let sized = sized_png(&input("image/png", png), 64, 128).unwrap();
        let read = image::load_from_memory(&sized).unwrap();
        assert_eq!((read.width(), read.height()), (64, 128));
    }

    #[test]
    fn what_is_no_picture_is_invalid() {
        for kind in ["image/png", "image/jpeg", "image/webp", "text/html"] {
            let error = decode(&input(kind, b"<html>".to_vec())).unwrap_err();
            assert_eq!(error.class, ErrorClass::Invalid, "{kind}");
        }
    }
}

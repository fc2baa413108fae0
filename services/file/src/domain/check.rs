//! Whether content is the picture it looks like: bounded by its header first, then decoded.

use std::io::Cursor;
use std::sync::Arc;

use futures::TryStreamExt;
use image::{ImageDecoder, ImageError, ImageReader, Limits};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::ending::check_ending;
use super::{FileError, Picture, Pieces};

/// A picture's size in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dimensions {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

/// How large a picture may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureLimits {
    /// Width times height.
    pub pixels: u64,
    /// Width and height each.
    pub side: u32,
}

impl PictureLimits {
    // Eight bits of red, green, blue and alpha for every pixel that is allowed.
    const fn decoded_bytes(self) -> u64 {
        self.pixels.saturating_mul(4)
    }
}

/// Decodes pictures, a few at a time: decoding is what costs most memory in this service.
#[derive(Debug, Clone)]
pub struct Checker {
    limits: PictureLimits,
    permits: Arc<Semaphore>,
}

impl Checker {
    /// A checker that decodes `at_once` pictures at most; the others wait.
    #[must_use]
    pub fn new(limits: PictureLimits, at_once: usize) -> Self {
        Self {
            limits,
            permits: Arc::new(Semaphore::new(at_once)),
        }
    }

    /// Reads the content back and decodes all of it.
    ///
    /// # Errors
    /// `TooLarge` for more pixels than allowed, told by the header before anything is decoded;
    /// `Unreadable` for what does not decode or does not end where it should.
    pub async fn check(
        &self,
        picture: Picture,
        size: u64,
        content: impl Future<Output = Result<Pieces, FileError>>,
    ) -> Result<Dimensions, FileError> {
        // The permit comes first: it bounds the content held in memory, too.
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(FileError::internal)?;
        let bytes = collect(size, content.await?).await?;
        let limits = self.limits;
        let decoded = spawn_blocking(move || {
            let outcome = check_bytes(picture, &bytes, limits);
            drop(permit);
            outcome
        });
        decoded.await.unwrap_or_else(|failure| {
            // A decoder that panics over a picture has not read it, and that is all we know.
            tracing::warn!(error = %failure, file.content_type = picture.media_type(), "picture decoder failed");
            Err(unreadable(picture, "its decoder failed"))
        })
    }
}

async fn collect(size: u64, pieces: Pieces) -> Result<Vec<u8>, FileError> {
    let bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    let fold = |mut all: Vec<u8>, piece: bytes::Bytes| async move {
        all.extend_from_slice(&piece);
        Ok(all)
    };
    pieces.try_fold(bytes, fold).await
}

fn check_bytes(
    picture: Picture,
    bytes: &[u8],
    limits: PictureLimits,
) -> Result<Dimensions, FileError> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), picture.format());
    let mut memory = Limits::no_limits();
    memory.max_alloc = Some(limits.decoded_bytes());
    reader.limits(memory);
    let decoder = reader
        .into_decoder()
        .map_err(|error| refuse(picture, limits, &error))?;
    let (width, height) = decoder.dimensions();
    check_dimensions(width, height, limits)?;
    let decoded_bytes = decoder.total_bytes();
    if decoded_bytes > limits.decoded_bytes() {
        return Err(too_much_memory(limits));
    }
    check_ending(picture, bytes)?;
    let mut pixels = vec![0; usize::try_from(decoded_bytes).map_err(FileError::internal)?];
    decoder
        .read_image(&mut pixels)
        .map_err(|error| refuse(picture, limits, &error))?;
    Ok(Dimensions { width, height })
}

fn check_dimensions(width: u32, height: u32, limits: PictureLimits) -> Result<(), FileError> {
    if width.max(height) > limits.side {
        return Err(FileError::TooLarge {
            message: format!(
                "the picture is {width} x {height} pixels; a side may have {} at most",
                limits.side
            ),
            limit: u64::from(limits.side),
        });
    }
    if u64::from(width) * u64::from(height) > limits.pixels {
        return Err(FileError::TooLarge {
            message: format!(
                "the picture is {width} x {height} pixels; it may have {} in all",
                limits.pixels
            ),
            limit: limits.pixels,
        });
    }
    Ok(())
}

fn refuse(picture: Picture, limits: PictureLimits, error: &ImageError) -> FileError {
    match error {
        ImageError::Limits(_) => too_much_memory(limits),
        _ => unreadable(picture, &error.to_string()),
    }
}

fn too_much_memory(limits: PictureLimits) -> FileError {
    let limit = limits.decoded_bytes();
    FileError::TooLarge {
        message: format!("the picture needs more than {limit} bytes of memory to be read"),
        limit,
    }
}

fn unreadable(picture: Picture, why: &str) -> FileError {
    FileError::Unreadable(format!(
        "the content cannot be read as {}: {why}",
        picture.media_type()
    ))
}

#[cfg(test)]
mod tests {
    use testkit::pictures;

    use super::*;

    const LIMITS: PictureLimits = PictureLimits {
        pixels: 1_000_000,
        side: 4_000,
    };

    #[test]
    fn real_pictures_pass() {
        for (picture, bytes) in [
            (Picture::Png, pictures::png(640, 480)),
            (Picture::Jpeg, pictures::jpeg(640, 480)),
            (Picture::Webp, pictures::webp(640, 480)),
        ] {
            let size = check_bytes(picture, &bytes, LIMITS).unwrap();
            assert_eq!((size.width, size.height), (640, 480), "{picture:?}");
        }
    }

    #[test]
    fn a_header_is_believed_only_to_refuse() {
        let mut lying = pictures::png(64, 64);
        lying[16..20].copy_from_slice(&100_000_u32.to_be_bytes());
        // The checksum no longer fits, so it is refused for that before its size is seen.
        let refused = check_bytes(Picture::Png, &lying, LIMITS);
        assert!(matches!(refused, Err(FileError::Unreadable(_))));
    }

    #[test]
    fn pixels_are_capped_before_decoding() {
        for (picture, bytes) in [
            (Picture::Png, pictures::png(4_001, 1)),
            (Picture::Jpeg, pictures::jpeg(1_001, 1_000)),
            (Picture::Webp, pictures::webp(1, 4_001)),
        ] {
            let refused = check_bytes(picture, &bytes, LIMITS);
            assert!(
                matches!(refused, Err(FileError::TooLarge { .. })),
                "{picture:?}: {refused:?}"
            );
        }
    }

    #[test]
    fn deep_pixels_count_as_the_memory_they_take() {
        let deep = image::DynamicImage::new_rgba16(900, 900);
        let mut bytes = Cursor::new(Vec::new());
        deep.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        let refused = check_bytes(Picture::Png, &bytes.into_inner(), LIMITS);
        assert!(
            matches!(refused, Err(FileError::TooLarge { .. })),
            "{refused:?}"
        );
    }

    #[test]
    fn damaged_pixels_do_not_pass() {
        for (picture, mut bytes) in [
            (Picture::Png, pictures::png(200, 200)),
            (Picture::Webp, pictures::webp(200, 200)),
        ] {
            let middle = bytes.len() / 2;
            bytes[middle..middle + 32].fill(0xa5);
            let refused = check_bytes(picture, &bytes, LIMITS);
            assert!(
                matches!(refused, Err(FileError::Unreadable(_))),
                "{picture:?}: {refused:?}"
            );
        }
    }
}

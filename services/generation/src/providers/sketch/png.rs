//! Writes a drawing as PNG that says what it is.

use bytes::Bytes;
use png::{BitDepth, ColorType, Compression, Encoder, EncodingError};

/// What every drawing carries.
pub const SOFTWARE: &str = "Bottega sketch (drawn by rule, not by a model)";

/// 8-bit RGB as PNG.
///
/// # Errors
/// The pixels are not of this size.
pub fn write(rgb: &[u8], width: u32, height: u32) -> Result<Bytes, EncodingError> {
    let mut bytes = Vec::with_capacity(rgb.len() / 2);
    let mut encoder = Encoder::new(&mut bytes, width, height);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Fast);
    encoder.add_text_chunk("Software".to_owned(), SOFTWARE.to_owned())?;
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rgb)?;
    writer.finish()?;
    Ok(Bytes::from(bytes))
}

//! Where a picture ends: what follows its end is no picture, and may be a page or a program.

use super::{FileError, Picture};

/// Walks a picture's outer structure to its end.
///
/// PNG must end with `IEND`, WebP where its RIFF header says. A JPEG must end with `EOI`; further
/// whole JPEGs and zero padding may follow, as the Multi-Picture Format of phone cameras has
/// them (CIPA DC-007).
///
/// # Errors
/// `Unreadable` for content that is cut short or goes on after its end.
pub fn check_ending(picture: Picture, bytes: &[u8]) -> Result<(), FileError> {
    let end = match picture {
        Picture::Png => png_end(bytes),
        Picture::Jpeg => jpeg_end(bytes),
        Picture::Webp => webp_end(bytes),
    };
    match end {
        None => Err(FileError::Unreadable(format!(
            "the content ends before its {} picture does",
            picture.media_type()
        ))),
        Some(end) if end < bytes.len() => Err(FileError::Unreadable(format!(
            "{} bytes follow the end of the {} picture",
            bytes.len() - end,
            picture.media_type()
        ))),
        Some(_) => Ok(()),
    }
}

// Signature, then chunks of length, type, data and checksum (PNG, third edition, section 5).
fn png_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 8;
    loop {
        let head: [u8; 8] = bytes.get(at..at + 8)?.try_into().ok()?;
        let [a, b, c, d, kind @ ..] = head;
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?;
        let next = at.checked_add(12)?.checked_add(length)?;
        if next > bytes.len() {
            return None;
        }
        if &kind == b"IEND" {
            return Some(next);
        }
        at = next;
    }
}

// `RIFF`, then the length of what follows, padded to even (RFC 9649, section 2.4).
fn webp_end(bytes: &[u8]) -> Option<usize> {
    let length: [u8; 4] = bytes.get(4..8)?.try_into().ok()?;
    let length = usize::try_from(u32::from_le_bytes(length)).ok()?;
    let end = length.checked_add(8)?;
    let padded = end + (end & 1);
    match bytes.len() {
        got if got < end => None,
        got if got == end => Some(end),
        _ => Some(padded),
    }
}

fn jpeg_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at = one_jpeg_end(bytes, at)?;
        let rest = &bytes[at..];
        let padding = rest.iter().take_while(|byte| **byte == 0).count();
        match rest.get(padding..) {
            Some([]) => return Some(bytes.len()),
            Some([0xff, 0xd8, ..]) => at += padding,
            _ => return Some(at),
        }
    }
}

// SOI, then segments of marker and length; after SOS, entropy-coded data up to the next marker
// that is neither a stuffed zero nor a restart (ITU-T T.81, annex B).
fn one_jpeg_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    if bytes.get(at..at + 2)? != [0xff, 0xd8] {
        return None;
    }
    at += 2;
    loop {
        let marker = *bytes.get(at + 1)?;
        if bytes[at] != 0xff {
            return None;
        }
        match marker {
            0xff => at += 1,
            0xd9 => return Some(at + 2),
            0x01 | 0xd0..=0xd7 => at += 2,
            0x00 | 0xd8 => return None,
            _ => {
                let length: [u8; 2] = bytes.get(at + 2..at + 4)?.try_into().ok()?;
                at += 2 + usize::from(u16::from_be_bytes(length)).max(2);
                if marker == 0xda {
                    at = entropy_end(bytes, at)?;
                }
            }
        }
    }
}

fn entropy_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == 0xff)?;
        match bytes.get(at + 1)? {
            0x00 | 0xd0..=0xd7 => at += 2,
            0xff => at += 1,
            _ => return Some(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use testkit::pictures;

    use super::*;

    fn samples() -> [(Picture, Vec<u8>); 3] {
        [
            (Picture::Png, pictures::png(33, 17)),
            (Picture::Jpeg, pictures::jpeg(33, 17)),
            (Picture::Webp, pictures::webp(33, 17)),
        ]
    }

    #[test]
    fn real_pictures_end_where_they_end() {
        for (picture, bytes) in samples() {
            assert!(check_ending(picture, &bytes).is_ok(), "{picture:?}");
        }
    }

    #[test]
    fn every_cut_is_noticed_and_none_panics() {
        for (picture, bytes) in samples() {
            for cut in 0..bytes.len() {
                assert!(
                    check_ending(picture, &bytes[..cut]).is_err(),
                    "{picture:?} {cut}"
                );
            }
        }
    }

    #[test]
    fn what_follows_the_end_is_refused() {
        for (picture, mut bytes) in samples() {
            bytes.extend_from_slice(b"<script>alert(1)</script>");
            let refused = check_ending(picture, &bytes).unwrap_err().to_string();
            assert!(refused.contains("follow"), "{picture:?}: {refused}");
        }
    }

    #[test]
    fn phones_append_whole_jpegs() {
        let mut bytes = pictures::jpeg(8, 8);
        bytes.extend_from_slice(&[0; 16]);
        bytes.extend_from_slice(&pictures::jpeg(4, 4));
        assert!(check_ending(Picture::Jpeg, &bytes).is_ok());
        bytes.extend_from_slice(b"PK\x03\x04");
        assert!(check_ending(Picture::Jpeg, &bytes).is_err());
    }
}

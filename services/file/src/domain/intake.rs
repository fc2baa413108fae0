//! Bytes as they come in: counted, hashed and recognised on the way, never held.

use ring::digest::{Context, SHA256};

use super::content::ENOUGH_TO_TELL;
use super::{FileError, Picture};

/// What is known of the bytes so far.
pub struct Intake {
    declared_type: String,
    max_bytes: u64,
    size: u64,
    hash: Context,
    start: Vec<u8>,
    picture: Option<Picture>,
}

/// What is known once all bytes came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// In bytes.
    pub size: u64,
    /// SHA-256 in lower-case hex.
    pub sha256: String,
    /// What the first bytes say it is.
    pub picture: Picture,
}

impl Intake {
    /// Nothing came yet.
    pub fn new(declared_type: &str, max_bytes: u64) -> Self {
        Self {
            declared_type: declared_type.to_owned(),
            max_bytes,
            size: 0,
            hash: Context::new(&SHA256),
            start: Vec::with_capacity(ENOUGH_TO_TELL),
            picture: None,
        }
    }

    /// Takes note of a piece.
    ///
    /// # Errors
    /// `TooLarge` with the first byte over the limit; `UnsupportedMediaType` as soon as the first
    /// bytes tell: the rest need not come.
    pub fn take(&mut self, piece: &[u8]) -> Result<(), FileError> {
        self.size = self.size.saturating_add(piece.len() as u64);
        if self.size > self.max_bytes {
            return Err(FileError::TooLarge {
                message: format!("a file may have {} bytes at most", self.max_bytes),
                limit: self.max_bytes,
            });
        }
        self.hash.update(piece);
        if self.picture.is_none() {
            let missing = ENOUGH_TO_TELL - self.start.len();
            self.start
                .extend_from_slice(&piece[..piece.len().min(missing)]);
            if self.start.len() == ENOUGH_TO_TELL {
                self.picture = Some(Picture::identify(&self.start, &self.declared_type)?);
            }
        }
        Ok(())
    }

    /// Ends the taking.
    ///
    /// # Errors
    /// `EMPTY`, or `UnsupportedMediaType` for content too short to be a picture.
    pub fn finish(self) -> Result<Taken, FileError> {
        if self.size == 0 {
            return Err(FileError::EMPTY);
        }
        let picture = match self.picture {
            Some(picture) => picture,
            None => Picture::identify(&self.start, &self.declared_type)?,
        };
        Ok(Taken {
            size: self.size,
            sha256: hex::encode(self.hash.finish()),
            picture,
        })
    }
}

#[cfg(test)]
mod tests {
    use testkit::pictures;

    use super::*;

    #[test]
    fn pieces_of_any_size_make_the_same_file() {
        let bytes = pictures::png(20, 20);
        let outcomes: Vec<Taken> = [1, 5, 11, 12, 13, bytes.len()]
            .map(|size| {
                let mut intake = Intake::new("image/png", 1_000_000);
                for piece in bytes.chunks(size) {
                    intake.take(piece).unwrap();
                }
                intake.finish().unwrap()
            })
            .to_vec();
        assert!(outcomes.iter().all(|taken| taken == &outcomes[0]));
        assert_eq!(outcomes[0].size, bytes.len() as u64);
    }

    #[test]
    fn the_hash_is_sha_256() {
        let mut intake = Intake::new("", 100);
        intake.take(b"\xff\xd8\xff").unwrap();
        // printf '\xff\xd8\xff' | sha256sum
        assert_eq!(
            intake.finish().unwrap().sha256,
            "6e568e1f67fba258184c78181539e5e8fdee447e49bb706fc0ea34fbf12336a5"
        );
    }

    #[test]
    fn the_limit_is_the_last_byte_taken() {
        let mut intake = Intake::new("", 8);
        intake.take(&[0xff, 0xd8, 0xff, 0, 0, 0, 0, 0]).unwrap();
        assert!(matches!(
            intake.take(&[0]),
            Err(FileError::TooLarge { limit: 8, .. })
        ));
    }

    #[test]
    fn a_text_is_refused_with_its_twelfth_byte() {
        let mut intake = Intake::new("image/png", 1_000);
        intake.take(b"hello, worl").unwrap();
        assert!(matches!(
            intake.take(b"d"),
            Err(FileError::UnsupportedMediaType(_))
        ));
        let mut short = Intake::new("image/png", 1_000);
        short.take(b"hi").unwrap();
        assert!(matches!(
            short.finish(),
            Err(FileError::UnsupportedMediaType(_))
        ));
    }

    #[test]
    fn nothing_is_empty() {
        let refused = Intake::new("", 8).finish().unwrap_err();
        assert_eq!(refused.to_string(), "content must not be empty");
    }
}

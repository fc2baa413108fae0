//! What a client names a call by, so that it can be repeated.

use std::str::FromStr;

const MAX_LENGTH: usize = 255;

/// A client's own name for a call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(String);

/// The text is no such name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {MAX_LENGTH} visible ASCII characters, without spaces")]
pub struct InvalidIdempotencyKey;

impl IdempotencyKey {
    /// As the client wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = InvalidIdempotencyKey;

    fn from_str(text: &str) -> Result<Self, InvalidIdempotencyKey> {
        let is_fine = (1..=MAX_LENGTH).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        match is_fine {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidIdempotencyKey),
        }
    }
}

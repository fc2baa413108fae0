//! Refresh tokens: how they are drawn, derived, written down and stored.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, hmac};
use types::Timestamp;

use super::{Error, Result};

/// The SHA-256 of something that is itself not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Digests bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut out = [0; 32];
        out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
        Self(out)
    }
}

/// 256 secret bits that trade once for new tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken([u8; 32]);

impl RefreshToken {
    /// The first token of a session.
    ///
    /// # Errors
    /// The machine gives no random bytes.
    pub fn random() -> Result<Self> {
        Ok(Self(random_bytes()?))
    }

    /// Reads what [`RefreshToken::reveal`] wrote.
    ///
    /// # Errors
    /// `InvalidRefreshToken` for any other text.
    pub fn parse(text: &str) -> Result<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or(Error::InvalidRefreshToken)
    }

    /// The token that follows this one. It is derived, not drawn, so that a client whose answer
    /// was lost can be given the same one again although only digests are stored; who would
    /// derive it too needs this token, the row's seed and the suite's secret together.
    #[must_use]
    pub fn child(&self, key: &hmac::Key, seed: &[u8; 32]) -> Self {
        let mut context = hmac::Context::with_key(key);
        context.update(seed);
        context.update(&self.0);
        let mut out = [0; 32];
        out.copy_from_slice(context.sign().as_ref());
        Self(out)
    }

    /// What is stored of the token.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }

    /// The token as the client gets it: 43 characters of base64url.
    #[must_use]
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(hidden)")
    }
}

/// Random bytes for a token or a seed.
///
/// # Errors
/// The machine gives none.
pub fn random_bytes() -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Error::internal("no random bytes"))?;
    Ok(bytes)
}

/// Where a token comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lineage {
    /// The token it was traded for.
    pub parent: Digest,
    /// What it was derived with.
    pub seed: [u8; 32],
}

/// A refresh token as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredToken {
    /// Of the token.
    pub digest: Digest,
    /// None for the first of a session.
    pub lineage: Option<Lineage>,
    /// When it was made.
    pub issued_at: Timestamp,
    /// From when it is not good any more.
    pub expires_at: Timestamp,
    /// When it was traded, if it was.
    pub used_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_depend_on_key_seed_and_parent_and_on_nothing_else() {
        let key = |byte| hmac::Key::new(hmac::HMAC_SHA256, &[byte; 32]);
        let parent = RefreshToken([1; 32]);
        let child = parent.child(&key(1), &[1; 32]);
        assert_eq!(child, parent.child(&key(1), &[1; 32]));
        assert_ne!(child, parent.child(&key(2), &[1; 32]));
        assert_ne!(child, parent.child(&key(1), &[2; 32]));
        assert_ne!(child, RefreshToken([2; 32]).child(&key(1), &[1; 32]));
    }

    #[test]
    fn texts_are_strict() {
        let token = RefreshToken::random().unwrap();
        assert_eq!(RefreshToken::parse(&token.reveal()).unwrap(), token);
        for text in [
            "",
            "abc",
            "=",
            &format!("{}=", token.reveal()),
            &"A".repeat(44),
            &"A".repeat(70_000),
        ] {
            assert!(matches!(
                RefreshToken::parse(text),
                Err(Error::InvalidRefreshToken)
            ));
        }
        assert!(!format!("{token:?}").contains(&token.reveal()));
    }
}

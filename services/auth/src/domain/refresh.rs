//! Refresh tokens: a session holds a chain of them, and one rule says what presenting one does.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, hmac};
use types::{SessionId, Timestamp, UserId};

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

/// A sign-in, about to be stored with its first token.
#[derive(Debug, Clone, Copy)]
pub struct NewSession {
    /// UUIDv7.
    pub id: SessionId,
    /// Who signs in.
    pub user: UserId,
    /// The first of the chain.
    pub token: StoredToken,
}

/// What the rule sees of a session when one of its tokens is presented.
#[derive(Debug, Clone, Copy)]
pub struct Chain {
    /// The session.
    pub session: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// Whether it ended before its time.
    pub ended: bool,
    /// The token presented.
    pub presented: StoredToken,
    /// The one token of the session that is not used yet.
    pub active: Option<StoredToken>,
}

/// Why a session ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// A used refresh token came again: it, or the one traded for it, is in wrong hands.
    TokenReused,
}

impl EndReason {
    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TokenReused => "token_reused",
        }
    }
}

/// What presenting a token does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The token is used up and this child takes its place.
    Rotate(StoredToken),
    /// The token was traded a moment ago and its child, the active token, is still unused: the
    /// answer was lost, or several came at once. The same child is given again.
    Repeat(StoredToken),
    /// The session ends.
    End(EndReason),
    /// Nothing happens; the token is no good.
    Refuse,
}

/// How long refresh tokens live.
#[derive(Debug, Clone, Copy)]
pub struct RotationSettings {
    /// How long an unused token is good.
    pub ttl: Duration,
    /// How long after its use a token is answered again with its child.
    pub grace: Duration,
}

impl RotationSettings {
    /// The rule. `child` is what would take the presented token's place.
    #[must_use]
    pub fn step(&self, chain: &Chain, child: StoredToken, now: Timestamp) -> Step {
        if chain.ended || chain.presented.expires_at <= now {
            return Step::Refuse;
        }
        let Some(used_at) = chain.presented.used_at else {
            return Step::Rotate(child);
        };
        // Only the parent of the active token: were any used token taken within the grace, a
        // thief could trade R1 after the client went on from R2 to R3.
        let follows = |token: &StoredToken| {
            (token.lineage).is_some_and(|lineage| lineage.parent == chain.presented.digest)
        };
        match chain.active.filter(follows) {
            Some(active) if now.since(used_at) <= self.grace => Step::Repeat(active),
            _ => Step::End(EndReason::TokenReused),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: RotationSettings = RotationSettings {
        ttl: Duration::from_secs(3_600),
        grace: Duration::from_secs(10),
    };

    fn at(seconds: u64) -> Timestamp {
        Timestamp(1_700_000_000_000_000).plus(Duration::from_secs(seconds))
    }

    fn token(name: u8, parent: Option<u8>, used_at: Option<u64>) -> StoredToken {
        StoredToken {
            digest: Digest([name; 32]),
            lineage: parent.map(|parent| Lineage {
                parent: Digest([parent; 32]),
                seed: [name; 32],
            }),
            issued_at: at(0),
            expires_at: at(3_600),
            used_at: used_at.map(at),
        }
    }

    fn step(presented: StoredToken, active: Option<StoredToken>, ended: bool, now: u64) -> Step {
        let chain = Chain {
            session: SessionId(uuid::Uuid::nil()),
            user: UserId(uuid::Uuid::nil()),
            ended,
            presented,
            active,
        };
        RULE.step(&chain, token(9, None, None), at(now))
    }

    #[test]
    fn an_unused_token_rotates_until_it_expires() {
        let first = token(1, None, None);
        assert_eq!(
            step(first, Some(first), false, 3_599),
            Step::Rotate(token(9, None, None))
        );
        assert_eq!(step(first, Some(first), false, 3_600), Step::Refuse);
        assert_eq!(step(first, Some(first), true, 5), Step::Refuse);
    }

    #[test]
    fn a_lost_answer_is_given_again_within_the_grace() {
        let (used, active) = (token(1, None, Some(100)), token(2, Some(1), None));
        assert_eq!(step(used, Some(active), false, 110), Step::Repeat(active));
        // Another replica's clock may be a little ahead.
        assert_eq!(step(used, Some(active), false, 98), Step::Repeat(active));
        assert_eq!(
            step(used, Some(active), false, 111),
            Step::End(EndReason::TokenReused)
        );
    }

    #[test]
    fn a_grandparent_has_no_grace() {
        let (used, active) = (token(1, None, Some(100)), token(3, Some(2), None));
        assert_eq!(
            step(used, Some(active), false, 101),
            Step::End(EndReason::TokenReused)
        );
        assert_eq!(
            step(used, None, false, 101),
            Step::End(EndReason::TokenReused)
        );
    }

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

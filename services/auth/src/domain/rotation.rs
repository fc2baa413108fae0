//! Rotation: a session holds a chain of refresh tokens, and one rule says what presenting one does.

use std::time::Duration;

use types::{SessionId, Timestamp, UserId};

use super::StoredToken;

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
    use crate::domain::{Digest, Lineage};

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
}

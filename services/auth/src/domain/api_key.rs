//! What an API key is, and when it is good.

use types::{ApiKeyId, Timestamp, UserId};

use super::DisplayName;

/// What a user's programs sign in with, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// UUIDv7.
    pub id: ApiKeyId,
    /// Whose it is, and for whom it acts.
    pub owner: UserId,
    /// What its owner calls it.
    pub display_name: DisplayName,
    /// What it begins with.
    pub prefix: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last seen.
    pub last_used_at: Option<Timestamp>,
    /// From when on it is not good any more.
    pub expires_at: Option<Timestamp>,
    /// When its owner ended it.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it is good.
    #[must_use]
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| end > now)
    }
}

/// What an API key may do: scopes that the contracts name, each once, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes(Vec<String>);

/// The list names no scope, or one that there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be at least one of {}", .0.join(", "))]
pub struct InvalidScopes(Vec<String>);

impl Scopes {
    /// Reads a list of those that are known.
    ///
    /// # Errors
    /// None, or one that is not known.
    pub fn parse<'a>(
        wanted: Vec<String>,
        mut known: impl Iterator<Item = &'a String> + Clone,
    ) -> Result<Self, InvalidScopes> {
        let all = known.clone();
        let mut scopes = wanted;
        scopes.sort_unstable();
        scopes.dedup();
        // Both are in order, so one walk finds them all.
        let are_known = scopes.iter().all(|scope| known.any(|one| one == scope));
        if scopes.is_empty() || !are_known {
            return Err(InvalidScopes(all.cloned().collect()));
        }
        Ok(Self(scopes))
    }

    /// The scopes.
    #[must_use]
    pub fn into_inner(self) -> Vec<String> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_known_and_stand_once() {
        let known = ["a:read", "b:read", "b:write"].map(str::to_owned);
        let parse = |names: &[&str]| {
            let wanted = names.iter().map(|name| (*name).to_owned()).collect();
            Scopes::parse(wanted, known.iter()).map(Scopes::into_inner)
        };
        assert_eq!(
            parse(&["b:write", "a:read", "b:write"]).unwrap(),
            ["a:read", "b:write"]
        );
        for wrong in [
            &[] as &[&str],
            &[""],
            &["a:write"],
            &["A:read"],
            &["a:read", "c"],
        ] {
            let sentence = parse(wrong).unwrap_err().to_string();
            assert_eq!(
                sentence, "must be at least one of a:read, b:read, b:write",
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn a_key_is_good_until_it_expires_or_is_revoked() {
        let at = |seconds: i64| Timestamp(seconds * 1_000_000);
        let key = |expires_at, revoked_at| ApiKey {
            id: ApiKeyId(uuid::Uuid::nil()),
            owner: UserId(uuid::Uuid::nil()),
            display_name: DisplayName::default(),
            prefix: String::new(),
            scopes: Vec::new(),
            created_at: at(0),
            last_used_at: None,
            expires_at,
            revoked_at,
        };
        assert!(key(None, None).is_good(at(1)));
        assert!(key(Some(at(2)), None).is_good(at(1)));
        assert!(!key(Some(at(2)), None).is_good(at(2)));
        assert!(!key(None, Some(at(1))).is_good(at(1)));
    }
}

//! Passwords: what is asked of a new one, and types that never print one.

use secrecy::{ExposeSecret, SecretString};

use super::common_passwords::is_common;

const MIN_CHARACTERS: usize = 8;
const MAX_CHARACTERS: usize = 256;
/// What 256 characters of four bytes come to; nothing longer is ever hashed.
const MAX_BYTES: usize = 1024;

/// A password somebody signs in with. Its bytes count as they were sent: no Unicode
/// normalisation, so the composed and the decomposed é are two passwords.
#[derive(Debug, Clone)]
pub struct Password(SecretString);

/// Why a text cannot be a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPassword {
    /// Nothing was sent.
    #[error("must be set")]
    Empty,
    /// Too short.
    #[error("must have at least 8 characters")]
    TooShort,
    /// Too long.
    #[error("must have at most 256 characters")]
    TooLong,
    /// No keyboard makes it, and some libraries end the text there.
    #[error("must not contain the NUL character")]
    Nul,
    /// Among the first that are guessed.
    #[error("is among the most common passwords; take another")]
    Common,
}

impl Password {
    /// Reads the password of a sign-in; only what could be no password is refused.
    ///
    /// # Errors
    /// The text is empty, too long, or has a NUL in it.
    pub fn parse(text: String) -> Result<Self, InvalidPassword> {
        let secret = SecretString::from(text);
        let text = secret.expose_secret();
        if text.is_empty() {
            return Err(InvalidPassword::Empty);
        }
        if text.len() > MAX_BYTES || text.chars().count() > MAX_CHARACTERS {
            return Err(InvalidPassword::TooLong);
        }
        if text.contains('\0') {
            return Err(InvalidPassword::Nul);
        }
        Ok(Self(secret))
    }

    /// The bytes, for hashing only.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

/// A password fit for an account.
#[derive(Debug, Clone)]
pub struct NewPassword(Password);

impl NewPassword {
    /// Reads a new password: 8 to 256 characters, not a common one; nothing else is asked of it.
    ///
    /// # Errors
    /// The first of these that does not hold.
    pub fn parse(text: String) -> Result<Self, InvalidPassword> {
        let password = Password::parse(text)?;
        let text = password.0.expose_secret();
        if text.chars().count() < MIN_CHARACTERS {
            return Err(InvalidPassword::TooShort);
        }
        if is_common(text) {
            return Err(InvalidPassword::Common);
        }
        Ok(Self(password))
    }

    /// As any password.
    #[must_use]
    pub fn as_password(&self) -> &Password {
        &self.0
    }
}

/// What is stored of a password: an argon2id PHC string.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> Option<InvalidPassword> {
        NewPassword::parse(text.to_owned()).err()
    }

    #[test]
    fn length_counts_characters_and_nothing_else_is_asked() {
        assert_eq!(refusal(""), Some(InvalidPassword::Empty));
        assert_eq!(refusal("seven77"), Some(InvalidPassword::TooShort));
        assert_eq!(refusal("aaaaaaab"), None);
        assert_eq!(refusal(&"🦊".repeat(8)), None);
        assert_eq!(refusal(&"🦊".repeat(256)), None);
        assert_eq!(refusal(&"🦊".repeat(257)), Some(InvalidPassword::TooLong));
        assert_eq!(refusal(&"x".repeat(257)), Some(InvalidPassword::TooLong));
        assert_eq!(refusal("ab\0cdefgh"), Some(InvalidPassword::Nul));
    }

    #[test]
    fn common_ones_are_refused_in_any_case() {
        assert_eq!(refusal("Password1"), Some(InvalidPassword::Common));
        assert_eq!(refusal("12345678"), Some(InvalidPassword::Common));
    }

    #[test]
    fn a_sign_in_may_try_a_short_one() {
        assert!(Password::parse("x".to_owned()).is_ok());
    }

    #[test]
    fn never_prints_itself() {
        let password = NewPassword::parse("do not print me".to_owned()).unwrap();
        assert!(!format!("{password:?}").contains("print"));
        let hash = PasswordHash("$argon2id$v=19$…".to_owned());
        assert!(!format!("{hash:?}").contains("argon2id"));
    }
}

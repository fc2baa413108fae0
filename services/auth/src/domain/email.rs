//! E-mail addresses, in the one spelling accounts are known by.

use std::fmt;

use super::Digest;

/// RFC 5321, 4.5.3.1.3: a path has at most 256 octets, two of which are its angle brackets.
const MAX_BYTES: usize = 254;
/// RFC 5321, 4.5.3.1.1.
const MAX_LOCAL_BYTES: usize = 64;
/// RFC 1035, 2.3.4.
const MAX_LABEL_BYTES: usize = 63;

/// An address, trimmed and in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

/// Why a text is no address we take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEmail {
    /// Nothing was sent.
    #[error("must be set")]
    Empty,
    /// Longer than any mailbox can be.
    #[error("must have at most 254 characters")]
    TooLong,
    /// Not of the form local@domain.
    #[error("must be an e-mail address, like ada@example.com")]
    Syntax,
}

impl Email {
    /// Reads an address. The syntax is the one people have: quoted local parts, comments and
    /// bare addresses of machines are refused, letters of any script are not.
    ///
    /// # Errors
    /// The text is empty, too long, or no address.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let address = text.trim().to_lowercase();
        if address.is_empty() {
            return Err(InvalidEmail::Empty);
        }
        if address.len() > MAX_BYTES {
            return Err(InvalidEmail::TooLong);
        }
        let (local, domain) = address.rsplit_once('@').ok_or(InvalidEmail::Syntax)?;
        if !is_local_part(local) || !is_domain(domain) {
            return Err(InvalidEmail::Syntax);
        }
        Ok(Self(address))
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands for the address where the address itself need not be kept.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// RFC 5322 dot-atom, with letters of any script (RFC 6531).
fn is_local_part(local: &str) -> bool {
    let atext = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    local.len() <= MAX_LOCAL_BYTES
        && local
            .split('.')
            .all(|atom| !atom.is_empty() && atom.chars().all(atext))
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=MAX_LABEL_BYTES).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    domain.contains('.') && domain.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_one_spelling() {
        let email = Email::parse("  Ada.Lovelace+test@Example.COM ").unwrap();
        assert_eq!(email.as_str(), "ada.lovelace+test@example.com");
        assert_eq!(
            email,
            Email::parse("ada.lovelace+test@example.com").unwrap()
        );
        assert!(Email::parse("žofie@müller.example").is_ok());
    }

    #[test]
    fn refuses_what_is_no_address() {
        for text in [
            "ada",
            "@example.com",
            "ada@",
            "ada@localhost",
            "ada@@example.com",
            "ada lovelace@example.com",
            "ada\0@example.com",
            "ada@exa_mple.com",
            "ada@-example.com",
            "ada@example..com",
            ".ada@example.com",
            "a..b@example.com",
            "<ada@example.com>",
            "ada@example.com\r\nbcc: x@example.com",
        ] {
            assert_eq!(Email::parse(text), Err(InvalidEmail::Syntax), "{text:?}");
        }
        assert_eq!(Email::parse("  "), Err(InvalidEmail::Empty));
    }

    #[test]
    fn is_as_long_as_a_mailbox_may_be() {
        let label = "d".repeat(63);
        let longest = format!("{}@{label}.{label}.{}", "l".repeat(64), "d".repeat(61));
        assert_eq!(longest.len(), 254);
        assert!(Email::parse(&longest).is_ok());
        assert_eq!(
            Email::parse(&format!("{longest}d")),
            Err(InvalidEmail::TooLong)
        );
        let local = format!("{}@example.com", "l".repeat(65));
        assert_eq!(Email::parse(&local), Err(InvalidEmail::Syntax));
    }
}

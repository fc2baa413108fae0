//! People with accounts.

use types::{Timestamp, UserId};

use super::{Email, PlanName};

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Uses the product.
    User,
    /// Runs it.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 2] = [Self::User, Self::Admin];

    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }

    /// Reads what [`Role::as_str`] wrote.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// How a user wants to be called; may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DisplayName(String);

/// The text is no display name we take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have at most 100 characters and no control characters")]
pub struct InvalidDisplayName;

impl DisplayName {
    const MAX_CHARACTERS: usize = 100;

    /// Reads a name; white space around it does not count.
    ///
    /// # Errors
    /// More than 100 characters, or a control character.
    pub fn parse(text: &str) -> Result<Self, InvalidDisplayName> {
        let name = text.trim();
        if name.chars().count() > Self::MAX_CHARACTERS || name.chars().any(char::is_control) {
            return Err(InvalidDisplayName);
        }
        Ok(Self(name.to_owned()))
    }

    /// A name that was checked when it was stored.
    #[must_use]
    pub fn stored(name: String) -> Self {
        Self(name)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A person with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// UUIDv7.
    pub id: UserId,
    /// Unique among users.
    pub email: String,
    /// How the user wants to be called.
    pub display_name: DisplayName,
    /// The plan, which sets the quotas.
    pub plan: PlanName,
    /// What the user may do.
    pub role: Role,
    /// When the account was made.
    pub created_at: Timestamp,
}

impl User {
    /// A new account on the free plan. Whoever registers the operator's address runs the suite.
    #[must_use]
    pub fn new(
        id: UserId,
        email: &Email,
        display_name: DisplayName,
        admin: Option<&Email>,
        now: Timestamp,
    ) -> Self {
        let is_admin = admin == Some(email);
        Self {
            id,
            email: email.as_str().to_owned(),
            display_name,
            plan: PlanName::free(),
            role: if is_admin { Role::Admin } else { Role::User },
            created_at: now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(DisplayName::parse(" Ada ").unwrap().as_str(), "Ada");
        assert!(DisplayName::parse(&"é".repeat(100)).is_ok());
        assert!(DisplayName::parse(&"é".repeat(101)).is_err());
        assert!(DisplayName::parse("A\u{1b}[31mda").is_err());
        assert!(DisplayName::parse("A\0da").is_err());
    }

    #[test]
    fn roles_read_back() {
        for role in Role::ALL {
            assert_eq!(Role::from_name(role.as_str()), Some(role));
        }
        assert_eq!(Role::from_name("service"), None);
    }

    #[test]
    fn only_the_operators_address_is_admin() {
        let admin = Email::parse("root@example.com").unwrap();
        let other = Email::parse("ada@example.com").unwrap();
        let role = |email| {
            let id = UserId(uuid::Uuid::now_v7());
            User::new(
                id,
                email,
                DisplayName::default(),
                Some(&admin),
                Timestamp(0),
            )
            .role
        };
        assert_eq!(role(&admin), Role::Admin);
        assert_eq!(role(&other), Role::User);
    }
}

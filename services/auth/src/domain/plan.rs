//! The name of a plan, which sets a user's quotas; what it allows is the usage service's business.

/// A plan's name, as it is stored and as it stands in tokens. It need not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanName(String);

/// The text is no name of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the name of a plan: 1 to 32 of a-z, 0-9, '-' and '_'")]
pub struct InvalidPlanName;

impl PlanName {
    const MAX_CHARACTERS: usize = 32;

    /// The plan of a new account.
    #[must_use]
    pub fn free() -> Self {
        Self("free".to_owned())
    }

    /// Reads a name, in the grammar plans are written in.
    ///
    /// # Errors
    /// Empty, longer than 32 characters, or another character than a-z, 0-9, '-' and '_'.
    pub fn parse(text: &str) -> Result<Self, InvalidPlanName> {
        let fine = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
        };
        if (1..=Self::MAX_CHARACTERS).contains(&text.len()) && text.bytes().all(fine) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidPlanName)
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let longest = "x".repeat(32);
        for name in ["free", "pro", "team", "7", "a-b_c", "-", longest.as_str()] {
            assert_eq!(PlanName::parse(name).unwrap().as_str(), name);
        }
        let too_long = "x".repeat(33);
        for text in ["", "Pro", " pro", "pro\n", "a.b", "žena", "a\0", &too_long] {
            assert_eq!(PlanName::parse(text), Err(InvalidPlanName), "{text:?}");
        }
        assert_eq!(PlanName::parse("free"), Ok(PlanName::free()));
    }
}

//! Ids that cannot be mistaken for one another.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// The text is not a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a UUID, like 019a9f1e-7c1b-7d3a-8f55-0c1d2e3f4a5b")]
pub struct InvalidId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The bare UUID.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            // Only the hyphenated form: one id, one spelling.
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                if text.len() != 36 {
                    return Err(InvalidId);
                }
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId)
            }
        }

        impl From<Uuid> for $name {
            fn from(value: Uuid) -> Self {
                Self(value)
            }
        }
    };
}

id!(
    /// A user account.
    UserId
);
id!(
    /// A stored file.
    FileId
);
id!(
    /// A generation.
    GenerationId
);
id!(
    /// Units set aside by the usage service.
    ReservationId
);
id!(
    /// A client's own grouping of files and generations.
    SessionId
);
id!(
    /// A user's API key.
    ApiKeyId
);
id!(
    /// What makes a call safe to repeat.
    OperationId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_prints() {
        let id = FileId(Uuid::now_v7());
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn refuses_other_spellings() {
        for text in [
            "",
            "me",
            "0b94f6a6c5d64f6c9a0e2f1d3c4b5a69",
            "{0b94f6a6-c5d6-4f6c-9a0e-2f1d3c4b5a69}",
        ] {
            assert_eq!(text.parse::<UserId>(), Err(InvalidId), "{text}");
        }
    }
}

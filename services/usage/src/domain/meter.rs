//! What is counted.

use serde::{Deserialize, Serialize};

/// A kind of unit that plans and budgets limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Meter {
    /// Generations asked for.
    Generations,
    /// Money, in millionths of a US dollar.
    Microusd,
    /// Tokens of language models.
    Tokens,
    /// Bytes that are kept.
    StorageBytes,
    /// Calls.
    Requests,
}

impl Meter {
    /// Every meter.
    pub const ALL: [Self; 5] = [
        Self::Generations,
        Self::Microusd,
        Self::Tokens,
        Self::StorageBytes,
        Self::Requests,
    ];

    /// As it stands in tables, metrics and errors.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generations => "GENERATIONS",
            Self::Microusd => "MICROUSD",
            Self::Tokens => "TOKENS",
            Self::StorageBytes => "STORAGE_BYTES",
            Self::Requests => "REQUESTS",
        }
    }

    /// As sentences say it of so many.
    #[must_use]
    pub const fn word(self, count: i64) -> &'static str {
        match (self, count) {
            (Self::Generations, 1) => "generation",
            (Self::Generations, _) => "generations",
            (Self::Microusd, _) => "microusd",
            (Self::Tokens, 1) => "token",
            (Self::Tokens, _) => "tokens",
            (Self::StorageBytes, 1) => "byte",
            (Self::StorageBytes, _) => "bytes",
            (Self::Requests, 1) => "request",
            (Self::Requests, _) => "requests",
        }
    }

    /// Reads what [`Meter::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|meter| meter.as_str() == text)
    }

    /// Whether anything in the suite sets units of it aside. A limit on another meter would do
    /// nothing, so there can be none: tokens are only recorded, and bytes and calls are not counted
    /// yet.
    #[must_use]
    pub const fn is_counted(self) -> bool {
        matches!(self, Self::Generations | Self::Microusd)
    }

    /// Whether it is money: its limits are budgets, and what goes beyond a hold is a loss.
    #[must_use]
    pub const fn is_money(self) -> bool {
        matches!(self, Self::Microusd)
    }
}

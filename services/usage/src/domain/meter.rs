//! What is counted.

/// A kind of unit that plans limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Meter {
    /// Generations asked for.
    Generations,
}

impl Meter {
    /// Every meter.
    pub const ALL: [Self; 1] = [Self::Generations];

    /// As it stands in tables, metrics and errors.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generations => "GENERATIONS",
        }
    }

    /// As sentences say it of so many.
    #[must_use]
    pub const fn word(self, count: i64) -> &'static str {
        match (self, count) {
            (Self::Generations, 1) => "generation",
            (Self::Generations, _) => "generations",
        }
    }

    /// Reads what [`Meter::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|meter| meter.as_str() == text)
    }
}

//! What is counted where: the key of a counter, what stands on it, and the limits that bound it.

use std::fmt;

use serde::{Deserialize, Serialize};
use types::{Timestamp, UserId};
use uuid::Uuid;

use super::meter::Meter;
use super::scope::Scope;
use super::window::{Window, WindowKind};

/// Whose units, as text: `user:<id>`, `global`, `provider:<name>`; see [`Scope::subject`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Subject(String);

/// Names one counter. Its order is the order in which counters are locked, so two transactions
/// never wait for each other crosswise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// Whose units.
    pub subject: Subject,
    /// Of what.
    pub meter: Meter,
    /// Over which time.
    pub window: WindowKind,
    /// When that time began.
    pub start: Timestamp,
}

/// What stands on a counter; zero on one that was never touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Units spent.
    pub used: i64,
    /// Units set aside.
    pub held: i64,
    /// Units an operator gave on top of every limit, or took when negative.
    pub granted: i64,
}

/// Who set a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// The owner's plan.
    Plan,
    /// A budget, with whom it counts.
    Budget(Uuid, Scope),
}

/// One limit that units must fit under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Who set it.
    pub rule: Rule,
    /// On which counter.
    pub key: Key,
    /// When the counter's window starts anew.
    pub reset: Timestamp,
    /// How many units are asked for; 0 only to look.
    pub amount: i64,
    /// What used and held may come to.
    pub limit: i64,
    /// Whether it refuses what does not fit.
    pub is_hard: bool,
}

/// A limit as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The limit.
    pub check: Check,
    /// What stands on its counter.
    pub tally: Tally,
}

impl Subject {
    /// A user's own units.
    #[must_use]
    pub fn user(id: UserId) -> Self {
        Self(format!("user:{id}"))
    }

    /// Whether these are one user's units.
    #[must_use]
    pub fn is_user(&self) -> bool {
        self.0.starts_with("user:")
    }

    /// As it stands in tables and errors.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Subject {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Tally {
    /// What is spoken for: spent and set aside.
    #[must_use]
    pub const fn committed(self) -> i64 {
        self.used.saturating_add(self.held)
    }

    /// A limit with what was granted on top of it, never below zero.
    #[must_use]
    pub fn raised(self, limit: i64) -> i64 {
        limit.saturating_add(self.granted).max(0)
    }

    /// What is left of `limit`, never below zero: a limit can be lowered under what is used.
    #[must_use]
    pub fn remaining(self, limit: i64) -> i64 {
        let free = self.raised(limit).saturating_sub(self.used);
        free.saturating_sub(self.held).max(0)
    }
}

impl Check {
    /// Whether the units fit beside what stands on the counter.
    #[must_use]
    pub fn fits(&self, tally: Tally) -> bool {
        self.amount <= tally.remaining(self.limit)
    }

    /// The counter's window.
    #[must_use]
    pub fn window(&self) -> Window {
        Window {
            kind: self.key.window,
            start: self.key.start,
            reset: self.reset,
        }
    }
}

impl Standing {
    /// How many there are, with what was granted.
    #[must_use]
    pub fn limit(&self) -> i64 {
        self.tally.raised(self.check.limit)
    }

    /// What is left, never below zero.
    #[must_use]
    pub fn remaining(&self) -> i64 {
        self.tally.remaining(self.check.limit)
    }

    /// Whether the asked units fit.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.check.fits(self.tally)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remaining_is_never_negative_and_never_wraps() {
        let tally = |used, held, granted| Tally {
            used,
            held,
            granted,
        };
        assert_eq!(tally(2, 1, 0).remaining(5), 2);
        assert_eq!(tally(9, 0, 0).remaining(5), 0);
        assert_eq!(tally(5, 0, 2).remaining(5), 2);
        assert_eq!(tally(1, 0, -9).remaining(5), 0);
        assert_eq!(tally(i64::MAX, i64::MAX, i64::MIN).remaining(0), 0);
        assert_eq!(tally(0, 0, i64::MAX).remaining(i64::MAX), i64::MAX);
    }
}

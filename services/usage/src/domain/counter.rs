//! What is counted where: the key of a counter, what stands on it, and how a limit looks with it.

use std::fmt;

use types::{Timestamp, UserId};

use super::meter::Meter;
use super::plan::Limit;
use super::window::{Calendar, Window, WindowKind};

/// Whose units, as text: `user:<id>`. Other scopes (keys, projects, everybody) only need another
/// prefix.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(String);

/// Names one counter. Its order is the order in which counters are locked, so two transactions
/// never wait for each other crosswise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
}

/// Units to set aside on one counter, if they fit under its limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Take {
    /// Which counter.
    pub key: Key,
    /// When the counter's window starts anew.
    pub reset: Timestamp,
    /// How many: 1 to 1,000,000; 0 only to look.
    pub amount: i64,
    /// What used and held may come to.
    pub limit: i64,
}

/// A limit as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// What is counted.
    pub meter: Meter,
    /// In which window.
    pub window: Window,
    /// How many there are.
    pub limit: i64,
    /// How many are spent and set aside.
    pub tally: Tally,
}

impl Subject {
    /// A user's own units.
    #[must_use]
    pub fn user(id: UserId) -> Self {
        Self(format!("user:{id}"))
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
    /// What is left of `limit`, never below zero: a plan can shrink under what is used.
    #[must_use]
    pub fn remaining(self, limit: i64) -> i64 {
        let free = limit.saturating_sub(self.used).saturating_sub(self.held);
        free.max(0)
    }
}

impl Take {
    /// `amount` units under one limit of a plan, in the window `moment` falls in.
    #[must_use]
    pub fn new(
        subject: Subject,
        limit: &Limit,
        amount: i64,
        calendar: &Calendar,
        moment: Timestamp,
    ) -> Self {
        let window = calendar.containing(limit.window, moment);
        Self {
            key: Key {
                subject,
                meter: limit.meter,
                window: window.kind,
                start: window.start,
            },
            reset: window.reset,
            amount,
            limit: limit.max,
        }
    }

    /// Whether the units fit beside what stands on the counter.
    #[must_use]
    pub fn fits(&self, tally: Tally) -> bool {
        self.amount <= tally.remaining(self.limit)
    }

    /// The limit, with what stands on the counter.
    #[must_use]
    pub fn standing(&self, tally: Tally) -> Standing {
        Standing {
            meter: self.key.meter,
            window: Window {
                kind: self.key.window,
                start: self.key.start,
                reset: self.reset,
            },
            limit: self.limit,
            tally,
        }
    }
}

impl Standing {
    /// What is left, never below zero.
    #[must_use]
    pub fn remaining(&self) -> i64 {
        self.tally.remaining(self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remaining_is_never_negative_and_never_wraps() {
        let tally = |used, held| Tally { used, held };
        assert_eq!(tally(2, 1).remaining(5), 2);
        assert_eq!(tally(9, 0).remaining(5), 0);
        assert_eq!(tally(i64::MAX, i64::MAX).remaining(0), 0);
        assert_eq!(tally(0, 0).remaining(i64::MAX), i64::MAX);
    }
}

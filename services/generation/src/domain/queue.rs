//! The queue's rules: whose turn it is, how much of one owner waits, and when.
//!
//! Each order takes a turn (start-time fair queueing): `STEP / weight` after its owner's last one, or,
//! for an owner with nothing waiting, after the turn that was claimed last. Workers take the lowest
//! turn first; so ten thousand orders of one owner stand one behind the other, and anybody else's
//! first stands before the next of them (decision 0015).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use types::Timestamp;

use crate::domain::generation::Failure;
use crate::domain::off_peak::OffPeak;
use crate::domain::routing::Limits;

/// How far apart the turns of one owner are whose weight is 1.
pub const STEP: i64 = 1_000_000;
/// Positions beyond this are not counted.
pub const MOST_COUNTED: u32 = 200;
const MOST_PER_TIER: u64 = 1_000_000;

/// A number for every plan, and others for some: `10` or `10,pro=50`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PerTier {
    standard: u64,
    others: BTreeMap<String, u64>,
}

/// How orders wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueRules {
    /// How many orders of one owner wait at most; 0 for any number.
    pub max_pending: PerTier,
    /// Whoever weighs twice as much is served twice as often.
    pub weights: PerTier,
    /// What holds for orders that can wait; none may when there is nothing.
    pub off_peak: Option<OffPeak>,
}

/// A new task's place in the queue, as far as it is known before the store gives it its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// How far after its owner's last turn its own is.
    pub step: i64,
    /// How many of its owner wait at most; 0 for any number.
    pub max_pending: u64,
    /// When it may begin, and until when.
    pub schedule: Schedule,
}

/// When an order may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Schedule {
    /// Not before this moment.
    pub not_before: Option<Timestamp>,
    /// Not after this one.
    pub expires_at: Option<Timestamp>,
    /// In the off-peak window only.
    pub off_peak: bool,
}

/// What workers leave alone when they take tasks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bounds {
    /// Providers that take nothing now.
    pub avoid: Vec<String>,
    /// How many tasks of one owner may run at once.
    pub per_owner: Option<u64>,
    /// What some of the providers may be asked for.
    pub per_provider: Vec<(String, Limits)>,
    /// While the off-peak window is closed, when it opens: its orders wait until then.
    pub off_peak_from: Option<Timestamp>,
}

/// Where a waiting task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// 1 is the next; one more than [`MOST_COUNTED`] when that many are before it; none while it
    /// does not stand in line: it was ordered for later, or rests between two attempts.
    pub position: Option<u32>,
    /// When it will probably begin; none while nobody knows.
    pub starts_at: Option<Timestamp>,
}

impl Place {
    /// Where nobody waits.
    pub const NOWHERE: Self = Self {
        position: None,
        starts_at: None,
    };

    /// Behind everybody who is counted.
    pub const BEYOND: Self = Self {
        position: Some(MOST_COUNTED + 1),
        starts_at: None,
    };

    /// Apart from the line, until then.
    #[must_use]
    pub const fn later(at: Timestamp) -> Self {
        Self {
            position: None,
            starts_at: Some(at),
        }
    }
}

impl Bounds {
    /// Whether what runs, or was sent, has to be counted.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.per_owner.is_some() || !self.per_provider.is_empty()
    }
}

impl PerTier {
    /// The same for all.
    #[must_use]
    pub fn all(standard: u64) -> Self {
        Self {
            standard,
            others: BTreeMap::new(),
        }
    }

    /// Another number for one of them.
    #[must_use]
    pub fn but(mut self, tier: &str, number: u64) -> Self {
        self.others.insert(tier.to_owned(), number);
        self
    }

    /// The number of a tier.
    #[must_use]
    pub fn of(&self, tier: &str) -> u64 {
        self.others.get(tier).copied().unwrap_or(self.standard)
    }

    /// All its numbers.
    pub fn numbers(&self) -> impl Iterator<Item = u64> {
        std::iter::once(self.standard).chain(self.others.values().copied())
    }
}

impl FromStr for PerTier {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "must be a number up to 1000000, or like 10,pro=50";
        let number = |text: &str| {
            let read = text.trim().parse().ok();
            read.filter(|number| *number <= MOST_PER_TIER).ok_or(WRONG)
        };
        let mut parts = text.split(',');
        let mut read = Self::all(number(parts.next().unwrap_or_default())?);
        for part in parts {
            let (tier, text) = part.split_once('=').ok_or(WRONG)?;
            read = read.but(tier.trim(), number(text)?);
        }
        Ok(read)
    }
}

impl fmt::Display for PerTier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.standard)?;
        (self.others.iter()).try_for_each(|(tier, number)| write!(f, ",{tier}={number}"))
    }
}

impl Default for QueueRules {
    fn default() -> Self {
        Self {
            max_pending: PerTier::all(10).but("basic", 100).but("pro", 200),
            weights: PerTier::all(1).but("basic", 2).but("pro", 4),
            off_peak: None,
        }
    }
}

impl QueueRules {
    /// The place of a new order.
    #[must_use]
    pub fn spot(&self, tier: &str, schedule: Schedule) -> Spot {
        let weight = i64::try_from(self.weights.of(tier)).unwrap_or(STEP);
        Spot {
            step: STEP / weight.clamp(1, STEP),
            max_pending: self.max_pending.of(tier),
            schedule,
        }
    }
}

/// Why an order ends that waited too long.
#[must_use]
pub fn expired() -> Failure {
    Failure {
        reason: errors::Reason::Expired,
        message: "it had not begun when its time was over; nothing was ordered any more".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_per_tier_read_back() {
        let read: PerTier = "1, basic=2,pro=4".parse().unwrap();
        assert_eq!(read, QueueRules::default().weights);
        assert_eq!(read.to_string(), "1,basic=2,pro=4");
        let of = ["free", "basic", "pro", "team"].map(|tier| read.of(tier));
        assert_eq!(of, [1, 2, 4, 1]);
        for wrong in ["", "x", "-1", "1,pro", "1,pro=x", "1000001", "pro=1"] {
            assert!(wrong.parse::<PerTier>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_weightier_stand_closer() {
        let rules = QueueRules {
            weights: "1,pro=4,odd=0".parse().unwrap(),
            ..QueueRules::default()
        };
        let step = |tier| rules.spot(tier, Schedule::default()).step;
        assert_eq!(["free", "pro", "odd"].map(step), [STEP, STEP / 4, STEP]);
    }
}

//! How often a provider may be asked: evenly spaced, by one number kept for all processes (GCRA).

use std::fmt;
use std::str::FromStr;

const SECOND: i64 = 1_000_000;
// Within so much time orders need not be spaced: workers look for work about as often.
const BURST: i64 = SECOND;
const MOST: i64 = 100_000;

/// So many in a second, minute or hour: `3/m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    count: i64,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
}

impl Unit {
    const fn seconds(self) -> i64 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
        }
    }
}

impl FromStr for Rate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "must be a number of 1 to 100000 and a unit, like 10/s, 3/m or 100/h";
        let (count, unit) = text.split_once('/').ok_or(WRONG)?;
        let unit = match unit {
            "s" => Unit::Second,
            "m" => Unit::Minute,
            "h" => Unit::Hour,
            _ => return Err(WRONG),
        };
        let count: i64 = count.parse().map_err(|_| WRONG)?;
        match (1..=MOST).contains(&count) {
            true => Ok(Self { count, unit }),
            false => Err(WRONG),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Second => 's',
            Unit::Minute => 'm',
            Unit::Hour => 'h',
        };
        write!(f, "{}/{unit}", self.count)
    }
}

impl Rate {
    // Microseconds from one to the next.
    fn gap(self) -> i64 {
        (self.unit.seconds() * SECOND / self.count).max(1)
    }

    /// How many may be sent now, when the next is expected at `next`; both in microseconds.
    #[must_use]
    pub fn slots(self, next: i64, now: i64) -> u64 {
        let gap = self.gap();
        let latest = now + (BURST - gap).max(0);
        let spare = latest - next.max(now);
        match spare < 0 {
            true => 0,
            false => u64::try_from(1 + spare / gap).unwrap_or(0),
        }
    }

    /// When the next is expected once `count` more were sent now.
    #[must_use]
    pub fn after(self, next: i64, now: i64, count: u64) -> i64 {
        let count = i64::try_from(count).unwrap_or(MOST);
        next.max(now)
            .saturating_add(self.gap().saturating_mul(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_read_back() {
        for text in ["10/s", "3/m", "100/h", "100000/s"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        for wrong in ["", "3", "0/m", "3/d", "-1/s", "100001/s", "1/m/s"] {
            assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn three_a_minute_are_twenty_seconds_apart() {
        let rate: Rate = "3/m".parse().unwrap();
        let now = 1_000 * SECOND;
        assert_eq!(rate.slots(0, now), 1);
        let next = rate.after(0, now, 1);
        assert_eq!(next, now + 20 * SECOND);
        assert_eq!(rate.slots(next, next - 1), 0);
        assert_eq!(rate.slots(next, next), 1);
    }

    #[test]
    fn what_is_faster_than_workers_look_comes_in_handfuls() {
        let rate: Rate = "10/s".parse().unwrap();
        let mut next = 0;
        let mut sent = 0;
        // Looked at twice a second for ten seconds.
        for half in 0..20 {
            let now = half * SECOND / 2;
            let slots = rate.slots(next, now);
            next = rate.after(next, now, slots);
            sent += slots;
        }
        assert!((100..=110).contains(&sent), "{sent}");
    }
}

//! Off-peak: when orders that can wait begin, and how much of the price they are asked for.

use std::fmt;
use std::str::FromStr;

use types::{Microusd, Timestamp};

const MINUTE: i64 = 60_000_000;
const DAY: i64 = 24 * 60 * MINUTE;
/// All of a price, in thousandths.
pub const WHOLE: i64 = 1_000;

/// A part of each day, in UTC; it may go over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    // Since midnight, in microseconds; never the same.
    opens: i64,
    closes: i64,
}

/// What holds for orders that can wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffPeak {
    /// When they begin.
    pub window: Window,
    /// How much of the price they are asked for, in thousandths: 1 to 1,000.
    pub permille: i64,
}

impl Window {
    /// The first moment from `at` on that lies within: `at` itself while it is open.
    #[must_use]
    pub fn opening(self, at: Timestamp) -> Timestamp {
        let since_opening = (at.micros() - self.opens).rem_euclid(DAY);
        let is_open = since_opening < (self.closes - self.opens).rem_euclid(DAY);
        match is_open {
            true => at,
            false => Timestamp(at.micros().saturating_add(DAY - since_opening)),
        }
    }

    /// When it opens, unless it is open.
    #[must_use]
    pub fn closed_until(self, now: Timestamp) -> Option<Timestamp> {
        Some(self.opening(now)).filter(|opening| *opening > now)
    }
}

impl OffPeak {
    /// What is asked where `whole` is the price; rounded up.
    #[must_use]
    pub fn price(self, whole: Microusd) -> Microusd {
        let part = (i128::from(whole.0) * i128::from(self.permille) + 999) / i128::from(WHOLE);
        Microusd(i64::try_from(part).unwrap_or(whole.0))
    }
}

impl FromStr for Window {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "must be two different times of day in UTC, like 22:00-06:00";
        let (opens, closes) = text.split_once('-').ok_or(WRONG)?;
        let opens = time_of_day(opens).ok_or(WRONG)?;
        let closes = time_of_day(closes).ok_or(WRONG)?;
        (opens != closes)
            .then_some(Self { opens, closes })
            .ok_or(WRONG)
    }
}

fn time_of_day(text: &str) -> Option<i64> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let number = |text: &str, below: i64| {
        let is_plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        let number: i64 = text.parse().ok()?;
        (is_plain && number < below).then_some(number)
    };
    Some((number(hours, 24)? * 60 + number(minutes, 60)?) * MINUTE)
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = |time: i64| (time / MINUTE / 60, time / MINUTE % 60);
        let ((from_hour, from_minute), (to_hour, to_minute)) =
            (clock(self.opens), clock(self.closes));
        write!(
            f,
            "{from_hour:02}:{from_minute:02}-{to_hour:02}:{to_minute:02}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Minutes of some day, as a moment and back.
    fn opening(window: &str, day: i64, minute: i64) -> i64 {
        let window: Window = window.parse().unwrap();
        let at = Timestamp(day * DAY + minute * MINUTE);
        let opening = window.opening(at);
        assert_eq!(window.closed_until(at).is_none(), opening == at);
        opening.micros() / MINUTE - day * 24 * 60
    }

    #[test]
    fn it_opens_every_day() {
        for day in [0, 20_000, -3] {
            for (minute, expected) in [(0, 60), (59, 60), (60, 60), (119, 119), (120, 1_500)] {
                assert_eq!(
                    opening("01:00-02:00", day, minute),
                    expected,
                    "{day} {minute}"
                );
            }
        }
    }

    #[test]
    fn it_may_go_over_midnight() {
        for (minute, expected) in [
            (0, 0),
            (359, 359),
            (360, 1_320),
            (1_319, 1_320),
            (1_320, 1_320),
            (1_439, 1_439),
        ] {
            assert_eq!(opening("22:00-06:00", 20_000, minute), expected, "{minute}");
        }
    }

    #[test]
    fn its_last_microsecond_is_before_it_closes() {
        let window: Window = "22:00-06:00".parse().unwrap();
        let closes = Timestamp(6 * 60 * MINUTE);
        assert_eq!(window.closed_until(Timestamp(closes.micros() - 1)), None);
        let opens = Timestamp(22 * 60 * MINUTE);
        assert_eq!(window.closed_until(closes), Some(opens));
        assert_eq!(window.closed_until(opens), None);
    }

    #[test]
    fn windows_read_back() {
        for text in ["22:00-06:00", "00:00-23:59", "09:05-09:06"] {
            assert_eq!(text.parse::<Window>().unwrap().to_string(), text);
        }
        for wrong in [
            "",
            "22:00",
            "22:00-",
            "22:00-22:00",
            "24:00-06:00",
            "22:60-06:00",
            "2:00-06:00",
            "22-06",
            "+2:00-06:00",
            "22:00-06:00-07:00",
        ] {
            assert!(wrong.parse::<Window>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_part_is_rounded_up() {
        let of = |permille, whole| {
            let window = "22:00-06:00".parse().unwrap();
            OffPeak { window, permille }.price(Microusd(whole)).0
        };
        assert_eq!(
            [of(500, 39_001), of(1, 1), of(1_000, 7), of(500, 0)],
            [19_501, 1, 7, 0]
        );
        assert_eq!(of(1_000, i64::MAX), i64::MAX);
    }
}

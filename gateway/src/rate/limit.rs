//! A limit as settings write it: `100/15m`, and lists of them: `10/s,100/min`.

use std::fmt;
use std::str::FromStr;

const MOST: u32 = 1_000_000;
const DAY: u32 = 24 * 3_600;

/// So many requests at once, coming back evenly over the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limit {
    /// Requests; 1 to 1,000,000.
    pub count: u32,
    /// In seconds; 1 to 86,400.
    pub window: u32,
}

/// The limits of one class, all of which hold; none means unlimited.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits(pub Vec<Limit>);

/// The text is no list of limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be limits like 10/s,100/min or 100/15m (1 to 1000000 requests in 1s to 24h, each window once), or off"
)]
pub struct InvalidLimits;

impl Limit {
    /// The window as people write it: `1s`, `15m`, `24h`.
    #[must_use]
    pub fn window_name(&self) -> String {
        match self.window {
            seconds if seconds.is_multiple_of(3_600) => format!("{}h", seconds / 3_600),
            seconds if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
            seconds => format!("{seconds}s"),
        }
    }
}

impl FromStr for Limit {
    type Err = InvalidLimits;

    fn from_str(text: &str) -> Result<Self, InvalidLimits> {
        let (count, window) = text.trim().split_once('/').ok_or(InvalidLimits)?;
        let count = number(count).filter(|count| (1..=MOST).contains(count));
        let digits = window.len()
            - window
                .trim_start_matches(|c: char| c.is_ascii_digit())
                .len();
        let (times, unit) = window.split_at(digits);
        let unit = match unit {
            "s" => 1,
            "m" | "min" => 60,
            "h" => 3_600,
            _ => return Err(InvalidLimits),
        };
        let times = if times.is_empty() {
            Some(1)
        } else {
            number(times)
        };
        let window = times.and_then(|times| times.checked_mul(unit));
        match (count, window.filter(|window| (1..=DAY).contains(window))) {
            (Some(count), Some(window)) => Ok(Self { count, window }),
            _ => Err(InvalidLimits),
        }
    }
}

impl FromStr for Limits {
    type Err = InvalidLimits;

    fn from_str(text: &str) -> Result<Self, InvalidLimits> {
        if text.trim() == "off" {
            return Ok(Self::default());
        }
        let mut limits: Vec<Limit> = Vec::new();
        for one in text.split(',') {
            let limit: Limit = one.parse()?;
            if limits.iter().any(|known| known.window == limit.window) {
                return Err(InvalidLimits);
            }
            limits.push(limit);
        }
        Ok(Self(limits))
    }
}

// Only digits: `parse` alone takes a plus sign too.
fn number(text: &str) -> Option<u32> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.window_name())
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("off");
        }
        for (place, limit) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(f, "{comma}{limit}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_people_write_them() {
        for (text, printed) in [
            ("100/15m", "100/15m"),
            ("10/s, 100/min", "10/1s,100/1m"),
            ("5/90s", "5/90s"),
            ("1000/24h", "1000/24h"),
            ("7/120s", "7/2m"),
            ("off", "off"),
        ] {
            let limits: Limits = text.parse().unwrap();
            assert_eq!(limits.to_string(), printed);
            assert_eq!(printed.parse::<Limits>().unwrap(), limits);
        }
    }

    #[test]
    fn what_is_no_limit_is_refused() {
        for text in [
            "",
            "10",
            "10/",
            "/s",
            "0/s",
            "10/0s",
            "10/25h",
            "-1/s",
            "+1/s",
            "1.5/s",
            "10/s,",
            "10/d",
            "1000001/s",
            "10/s,20/1s",
            "10 / s",
            "10/99999999999h",
        ] {
            assert_eq!(text.parse::<Limits>(), Err(InvalidLimits), "{text}");
        }
    }
}

//! Money as whole millionths of a US dollar, so that sums are exact.

use std::fmt;
use std::str::FromStr;

/// An amount in millionths of a US dollar; 39_000 is $0.039.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Microusd(pub i64);

impl fmt::Display for Microusd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let value = self.0.unsigned_abs();
        write!(f, "{sign}${}.{:06}", value / 1_000_000, value % 1_000_000)
    }
}

/// The text is not an amount of dollars with at most six decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be US dollars with at most six decimals, like 0.039")]
pub struct InvalidMoney;

impl FromStr for Microusd {
    type Err = InvalidMoney;

    /// Reads non-negative US dollars, e.g. `0.039`.
    fn from_str(text: &str) -> Result<Self, InvalidMoney> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || fraction.len() > 6 || !digits(whole) || !digits(fraction) {
            return Err(InvalidMoney);
        }
        let whole: i64 = whole.parse().map_err(|_| InvalidMoney)?;
        let fraction: i64 = format!("{fraction:0<6}")
            .parse()
            .map_err(|_| InvalidMoney)?;
        let micro = whole
            .checked_mul(1_000_000)
            .and_then(|value| value.checked_add(fraction));
        micro.map(Self).ok_or(InvalidMoney)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dollars() {
        assert_eq!("0.039".parse(), Ok(Microusd(39_000)));
        assert_eq!("12".parse(), Ok(Microusd(12_000_000)));
        assert_eq!(Microusd(39_000).to_string(), "$0.039000");
    }

    #[test]
    fn refuses_what_is_no_exact_amount() {
        for text in ["", ".5", "-1", "1e3", "0.0000001", "1,5", "99999999999999"] {
            assert_eq!(text.parse::<Microusd>(), Err(InvalidMoney), "{text}");
        }
    }
}

//! Durations as ProtoJSON has them: seconds with up to nine decimals and an `s`.

use super::{push_nanos, read_nanos};

/// What a text must be to be read as a duration.
pub(crate) const EXPECTED: &str = "must be a number of seconds followed by s, e.g. 1.5s";

/// About 10,000 years.
const MAX_SECONDS: i64 = 315_576_000_000;

/// Seconds and nanoseconds, of the same sign.
pub(crate) fn parse(text: &str) -> Option<(i64, i32)> {
    let number = text.strip_suffix('s')?;
    let (negative, number) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number),
    };
    let (whole, nanos) = match number.split_once('.') {
        Some((whole, fraction)) => (whole, read_nanos(fraction)?),
        None => (number, 0),
    };
    if whole.is_empty() || !whole.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let seconds = whole
        .parse::<i64>()
        .ok()
        .filter(|seconds| *seconds <= MAX_SECONDS)?;
    Some(if negative {
        (-seconds, -nanos)
    } else {
        (seconds, nanos)
    })
}

/// The text; `None` when out of range or when the signs disagree.
pub(crate) fn format(seconds: i64, nanos: i32) -> Option<String> {
    let is_sound = (-MAX_SECONDS..=MAX_SECONDS).contains(&seconds)
        && (-999_999_999..=999_999_999).contains(&nanos)
        && (seconds >= 0 || nanos <= 0)
        && (seconds <= 0 || nanos >= 0);
    if !is_sound {
        return None;
    }
    let mut text = String::new();
    if seconds < 0 || nanos < 0 {
        text.push('-');
    }
    text.push_str(&seconds.unsigned_abs().to_string());
    push_nanos(&mut text, nanos.unsigned_abs());
    text.push('s');
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_durations_both_ways() {
        for (text, seconds, nanos) in [
            ("0s", 0, 0),
            ("1.500s", 1, 500_000_000),
            ("-0.500s", 0, -500_000_000),
            ("-1.000001s", -1, -1_000),
            ("3.000000001s", 3, 1),
            ("-315576000000.999999999s", -MAX_SECONDS, -999_999_999),
        ] {
            assert_eq!(parse(text), Some((seconds, nanos)), "{text}");
            assert_eq!(format(seconds, nanos).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "1",
            "1.5",
            "",
            "s",
            "-s",
            ".5s",
            "1.s",
            "+1s",
            "1 s",
            "1h",
            "315576000001s",
            "1e3s",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn unsound_parts_do_not_print() {
        for (seconds, nanos) in [
            (1, -1),
            (-1, 1),
            (0, 1_000_000_000),
            (MAX_SECONDS + 1, 0),
            (i64::MIN, 0),
        ] {
            assert_eq!(format(seconds, nanos), None);
        }
    }
}

//! RFC 3339 as ProtoJSON has it: years 0001 to 9999, upper-case `T` and `Z`, offsets below a day.

use super::{push_nanos, read_nanos};

/// What a text must be to be read as a timestamp.
pub(crate) const EXPECTED: &str =
    "must be an RFC 3339 time between the years 1 and 9999, e.g. 2026-01-31T12:00:00Z";

const SECONDS_PER_DAY: i64 = 86_400;
/// 0001-01-01T00:00:00Z.
const MIN_SECONDS: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z.
const MAX_SECONDS: i64 = 253_402_300_799;

/// Seconds since 1970 and nanoseconds.
pub(crate) fn parse(text: &str) -> Option<(i64, i32)> {
    let (date, rest) = text.split_once('T')?;
    let (year, month, day) = read_date(date)?;
    let clock = rest.get(..8)?;
    let (hour, minute, second) = read_clock(clock)?;
    let (fraction, zone) = split_zone(&rest[8..])?;
    let nanos = match fraction.strip_prefix('.') {
        Some(digits) => read_nanos(digits)?,
        None if fraction.is_empty() => 0,
        None => return None,
    };
    let offset = read_offset(zone)?;
    let seconds =
        days_from_civil(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second
            - offset;
    (MIN_SECONDS..=MAX_SECONDS)
        .contains(&seconds)
        .then_some((seconds, nanos))
}

/// The text, in UTC; `None` when out of range.
pub(crate) fn format(seconds: i64, nanos: i32) -> Option<String> {
    use std::fmt::Write as _;
    let nanos = u32::try_from(nanos)
        .ok()
        .filter(|nanos| *nanos < 1_000_000_000)?;
    if !(MIN_SECONDS..=MAX_SECONDS).contains(&seconds) {
        return None;
    }
    let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
    let of_day = seconds.rem_euclid(SECONDS_PER_DAY);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let mut text = String::with_capacity(30);
    write!(
        text,
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
    )
    .ok()?;
    push_nanos(&mut text, nanos);
    text.push('Z');
    Some(text)
}

fn read_date(date: &str) -> Option<(i64, i64, i64)> {
    let bytes = date.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let (year, month, day) = (
        digits(&date[..4])?,
        digits(&date[5..7])?,
        digits(&date[8..])?,
    );
    let is_real = year >= 1 && (1..=12).contains(&month) && day >= 1 && day <= days_in(year, month);
    is_real.then_some((year, month, day))
}

fn read_clock(clock: &str) -> Option<(i64, i64, i64)> {
    let bytes = clock.as_bytes();
    if bytes[2] != b':' || bytes[5] != b':' {
        return None;
    }
    let (hour, minute, second) = (
        digits(&clock[..2])?,
        digits(&clock[3..5])?,
        digits(&clock[6..])?,
    );
    (hour < 24 && minute < 60 && second < 60).then_some((hour, minute, second))
}

fn split_zone(text: &str) -> Option<(&str, &str)> {
    let at = text.find(['Z', '+', '-'])?;
    Some(text.split_at(at))
}

/// Seconds east of UTC.
fn read_offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let bytes = zone.as_bytes();
    if bytes.len() != 6 || bytes[3] != b':' || !zone.is_ascii() {
        return None;
    }
    let (hours, minutes) = (digits(&zone[1..3])?, digits(&zone[4..])?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let offset = hours * 3600 + minutes * 60;
    Some(if bytes[0] == b'-' { -offset } else { offset })
}

fn digits(text: &str) -> Option<i64> {
    if text.bytes().all(|digit| digit.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days before the first of each month in a year that begins in March, so that the leap day is
/// the last of the year.
fn days_before_month(from_march: i64) -> i64 {
    (153 * from_march + 2) / 5
}

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let from_march = (month + 9) % 12;
    let year = if month <= 2 { year - 1 } else { year };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 719,468 days lie between 0000-03-01 and 1970-01-01.
    year * 365 + leap_days + days_before_month(from_march) + day - 1 - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let from_year_zero = days + 719_468;
    // Counting without leap days ends up too late, by seven years at most: go back by the excess.
    let mut year = from_year_zero.div_euclid(365);
    let mut of_year = days - days_from_civil(year, 3, 1);
    while of_year < 0 {
        year -= (-of_year + 365) / 366;
        of_year = days - days_from_civil(year, 3, 1);
    }
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - days_before_month(from_march) + 1;
    let month = (from_march + 2) % 12 + 1;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times_both_ways() {
        for (text, seconds, nanos) in [
            ("1970-01-01T00:00:00Z", 0, 0),
            ("0001-01-01T00:00:00Z", MIN_SECONDS, 0),
            ("9999-12-31T23:59:59.999999999Z", MAX_SECONDS, 999_999_999),
            ("2000-02-29T00:00:00Z", 951_782_400, 0),
            ("1969-12-31T23:59:59.500Z", -1, 500_000_000),
            ("2016-12-15T12:23:32.000000049Z", 1_481_804_612, 49),
        ] {
            assert_eq!(parse(text), Some((seconds, nanos)), "{text}");
            assert_eq!(format(seconds, nanos).as_deref(), Some(text));
        }
        assert_eq!(
            parse("2021-01-01T00:00:00+01:00"),
            parse("2020-12-31T23:00:00Z")
        );
    }

    #[test]
    fn every_day_of_four_centuries_comes_back() {
        for day in days_from_civil(1799, 12, 31)..days_from_civil(2201, 1, 1) {
            let (year, month, date) = civil_from_days(day);
            assert_eq!(days_from_civil(year, month, date), day);
            assert!((1..=12).contains(&month) && (1..=days_in(year, month)).contains(&date));
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "2021-02-30T00:00:00Z",
            "2021-01-01",
            "2021-01-01t00:00:00Z",
            "2021-01-01T00:00:00z",
            "2021-01-01T24:00:00Z",
            "2021-01-01T00:00:60Z",
            "2021-01-01T00:00:00",
            "2021-01-01T00:00:00+24:00",
            "2021-01-01T00:00:00+0100",
            "2021-01-01T00:00:00.Z",
            "2021-01-01T00:00:00.1234567890Z",
            "0000-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "0001-01-01T00:00:00+00:01",
            "2021-01-01T00:00:00 01:00",
            "+021-01-01T00:00:00Z",
            "2021-01-01T00:é0:00Z",
            "",
            "T",
            "2021-01-01T",
            "2021-01-01T00:00:00+é:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn out_of_range_parts_do_not_print() {
        for (seconds, nanos) in [
            (MIN_SECONDS - 1, 0),
            (MAX_SECONDS + 1, 0),
            (0, -1),
            (0, 1_000_000_000),
        ] {
            assert_eq!(format(seconds, nanos), None);
        }
    }
}

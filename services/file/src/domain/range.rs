//! Byte ranges of RFC 9110, section 14: one range is served, anything else is the whole.

use std::ops::Range;

/// A well-formed `Range` of one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RangeRequest {
    /// `bytes=first-last` or `bytes=first-`; `last` is inclusive.
    From {
        /// The first byte.
        first: u64,
        /// The last byte, if one is named.
        last: Option<u64>,
    },
    /// `bytes=-count`: the last bytes.
    Last(u64),
}

impl RangeRequest {
    /// Reads a `Range` field. `None` for another unit, several ranges, or nonsense: a server may
    /// ignore the field (section 14.2), and that costs a hostile client most.
    #[must_use]
    pub fn parse(field: &str) -> Option<Self> {
        let (unit, set) = field.split_once('=')?;
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return None;
        }
        let (first, last) = set.trim().split_once('-')?;
        match (first, last) {
            ("", count) => number(count).map(Self::Last),
            (first, "") => number(first).map(|first| Self::From { first, last: None }),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then_some(Self::From {
                    first,
                    last: Some(last),
                })
            }
        }
    }

    /// The bytes it means in content of `size` bytes; `None` when there are none.
    #[must_use]
    pub fn within(self, size: u64) -> Option<Range<u64>> {
        let range = match self {
            Self::From { first, last } => {
                let end = last.map_or(size, |last| last.saturating_add(1).min(size));
                first..end
            }
            Self::Last(count) => size.saturating_sub(count)..size,
        };
        (range.start < range.end).then_some(range)
    }
}

// A number too large to hold lies beyond the end of every file, so it saturates.
fn number(digits: &str) -> Option<u64> {
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_100(field: &str) -> Option<Option<Range<u64>>> {
        RangeRequest::parse(field).map(|range| range.within(100))
    }

    #[test]
    fn one_range() {
        for (field, range) in [
            ("bytes=0-0", 0..1),
            ("bytes=10-19", 10..20),
            ("bytes=90-", 90..100),
            ("bytes=90-1000", 90..100),
            ("bytes=0-99999999999999999999999", 0..100),
            ("bytes=-5", 95..100),
            ("bytes=-500", 0..100),
            ("Bytes = 1-2", 1..3),
        ] {
            assert_eq!(of_100(field), Some(Some(range)), "{field}");
        }
    }

    #[test]
    fn outside() {
        for field in [
            "bytes=100-",
            "bytes=100-200",
            "bytes=-0",
            "bytes=99999999999999999999999-",
        ] {
            assert_eq!(of_100(field), Some(None), "{field}");
        }
    }

    #[test]
    fn ignored() {
        for field in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=5-2",
            "bytes=0-1,5-6",
            "bytes=--5",
            "bytes=+1-2",
            "bytes=1 - 2",
            "lines=1-2",
        ] {
            assert_eq!(of_100(field), None, "{field}");
        }
    }
}

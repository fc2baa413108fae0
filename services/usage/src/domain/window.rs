//! Calendar windows in UTC, computed when they are touched: a counter's window is part of its
//! key, so nothing has to be reset when one ends.

use time::{Date, OffsetDateTime, Time};
use types::Timestamp;

/// How long a limit counts before it starts anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WindowKind {
    /// A calendar day, UTC.
    Day,
    /// A calendar month, UTC.
    Month,
}

/// One day or month: from `start` up to, and without, `reset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    /// Which calendar unit.
    pub kind: WindowKind,
    /// Its first moment.
    pub start: Timestamp,
    /// The first moment of the next one.
    pub reset: Timestamp,
}

impl WindowKind {
    /// Every kind, the shortest first.
    pub const ALL: [Self; 2] = [Self::Day, Self::Month];

    /// As it stands in tables and errors.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "DAY",
            Self::Month => "MONTH",
        }
    }

    /// As sentences and the plan grammar say it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// Reads what [`WindowKind::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// The window `moment` falls in. The calendar knows the years -9999 to 9999: the last window
    /// of 9999 never ends, and moments outside count as the epoch (see [`Timestamp::utc`]).
    #[must_use]
    pub fn containing(self, moment: Timestamp) -> Window {
        let today = moment.utc().date();
        let (first, next) = match self {
            Self::Day => (today, today.next_day()),
            Self::Month => (first_of_month(today), first_of_next_month(today)),
        };
        Window {
            kind: self,
            start: midnight(first),
            reset: next.map_or(Timestamp(i64::MAX), midnight),
        }
    }
}

// Every month has a first day.
fn first_of_month(date: Date) -> Date {
    date.replace_day(1).unwrap_or(date)
}

fn first_of_next_month(date: Date) -> Option<Date> {
    let last_day = date.month().length(date.year());
    date.replace_day(last_day).ok()?.next_day()
}

fn midnight(date: Date) -> Timestamp {
    OffsetDateTime::new_utc(date, Time::MIDNIGHT).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const YEAR_1: i64 = -62_135_596_800_000_000;
    const YEAR_9999: i64 = 253_370_764_800_000_000;

    fn window(kind: WindowKind, moment: OffsetDateTime) -> (OffsetDateTime, OffsetDateTime) {
        let window = kind.containing(moment.into());
        (window.start.utc(), window.reset.utc())
    }

    #[test]
    fn the_edges_of_a_day() {
        let day = (
            datetime!(2026-12-31 0:00 UTC),
            datetime!(2027-01-01 0:00 UTC),
        );
        for moment in [
            datetime!(2026-12-31 0:00 UTC),
            datetime!(2026-12-31 23:59:59.999999 UTC),
        ] {
            assert_eq!(window(WindowKind::Day, moment), day);
        }
        assert_eq!(window(WindowKind::Day, day.1).0, day.1);
    }

    #[test]
    fn the_edges_of_a_month() {
        let month = |year, month, next_year, next| {
            let first = |year, month: u8| {
                let month = time::Month::try_from(month).unwrap();
                OffsetDateTime::new_utc(
                    Date::from_calendar_date(year, month, 1).unwrap(),
                    Time::MIDNIGHT,
                )
            };
            (first(year, month), first(next_year, next))
        };
        let cases = [
            (datetime!(2024-02-29 12:00 UTC), month(2024, 2, 2024, 3)),
            (datetime!(2026-02-28 23:59:59 UTC), month(2026, 2, 2026, 3)),
            (datetime!(2100-02-28 23:59:59 UTC), month(2100, 2, 2100, 3)),
            (datetime!(2026-12-31 23:59:59 UTC), month(2026, 12, 2027, 1)),
            (datetime!(2027-01-01 0:00 UTC), month(2027, 1, 2027, 2)),
        ];
        for (moment, expected) in cases {
            assert_eq!(window(WindowKind::Month, moment), expected, "{moment}");
        }
    }

    #[test]
    fn the_calendars_end_is_no_panic() {
        for micros in [i64::MIN, i64::MAX] {
            for kind in WindowKind::ALL {
                let window = kind.containing(Timestamp(micros));
                assert!(window.start < window.reset);
            }
        }
        let last = WindowKind::Month.containing(datetime!(9999-12-31 23:59 UTC).into());
        assert_eq!(last.reset, Timestamp(i64::MAX));
    }

    proptest! {
        #[test]
        fn a_moment_lies_in_its_window(micros in YEAR_1..YEAR_9999) {
            for kind in WindowKind::ALL {
                let window = kind.containing(Timestamp(micros));
                prop_assert!(window.start.micros() <= micros && micros < window.reset.micros());
                // Every moment of a window has that window.
                prop_assert_eq!(kind.containing(window.start), window);
                prop_assert_eq!(kind.containing(Timestamp(window.reset.micros() - 1)), window);
            }
        }

        #[test]
        fn windows_leave_no_gap(micros in YEAR_1..YEAR_9999) {
            for kind in WindowKind::ALL {
                let window = kind.containing(Timestamp(micros));
                let next = kind.containing(window.reset);
                prop_assert_eq!(next.start, window.reset);
                let days = next.reset.since(next.start).as_secs() / 86_400;
                let lengths = match kind {
                    WindowKind::Day => 1..=1,
                    WindowKind::Month => 28..=31,
                };
                prop_assert!(lengths.contains(&days), "{} days", days);
            }
        }

        #[test]
        fn a_day_lies_in_one_month(micros in YEAR_1..YEAR_9999) {
            let day = WindowKind::Day.containing(Timestamp(micros));
            let month = WindowKind::Month.containing(Timestamp(micros));
            prop_assert!(month.start <= day.start && day.reset <= month.reset);
        }
    }
}

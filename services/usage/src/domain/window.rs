//! Calendar windows in a time zone, computed when they are touched: a counter's window is part of
//! its key, so nothing has to be reset when one ends.

use std::fmt;
use std::str::FromStr;

use jiff::Zoned;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use types::Timestamp;

/// How long a limit counts before it starts anew.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WindowKind {
    /// A calendar day. Where clocks change it has 23 or 25 hours.
    Day,
    /// A calendar month.
    Month,
    /// For ever.
    Lifetime,
}

/// Where days begin and end: a time zone of the IANA database.
#[derive(Clone, PartialEq, Eq)]
pub struct Calendar(TimeZone);

/// There is no such time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a time zone of the IANA database, like Europe/Berlin or UTC")]
pub struct UnknownZone;

/// One day, month or eternity: from `start` up to, and without, `reset`.
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
    pub const ALL: [Self; 3] = [Self::Day, Self::Month, Self::Lifetime];

    /// As it stands in tables and errors.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "DAY",
            Self::Month => "MONTH",
            Self::Lifetime => "LIFETIME",
        }
    }

    /// As sentences and the plan grammar say it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
            Self::Lifetime => "lifetime",
        }
    }

    /// Reads what [`WindowKind::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl Calendar {
    /// Days of Coordinated Universal Time.
    #[must_use]
    pub const fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// The window `moment` falls in. A day begins at its first moment, which is not midnight where
    /// clocks are put forward then. The calendar knows the years -9999 to 9999: the last window of
    /// 9999 never ends, and moments outside count as the epoch.
    #[must_use]
    pub fn containing(&self, kind: WindowKind, moment: Timestamp) -> Window {
        let bounds = match kind {
            WindowKind::Day => self.bounds(moment, |date| date, |date| date.tomorrow().ok()),
            WindowKind::Month => self.bounds(moment, Date::first_of_month, |first| {
                first.last_of_month().tomorrow().ok()
            }),
            WindowKind::Lifetime => (Timestamp(0), Timestamp(i64::MAX)),
        };
        Window {
            kind,
            start: bounds.0,
            reset: bounds.1,
        }
    }

    /// The day `moment` falls on, as `YYYYMMDD`.
    #[must_use]
    pub fn day(&self, moment: Timestamp) -> i32 {
        let date = self.local(moment).date();
        i32::from(date.year()) * 10_000 + i32::from(date.month()) * 100 + i32::from(date.day())
    }

    fn bounds(
        &self,
        moment: Timestamp,
        first: impl Fn(Date) -> Date,
        next: impl Fn(Date) -> Option<Date>,
    ) -> (Timestamp, Timestamp) {
        let first = first(self.local(moment).date());
        let reset = next(first).and_then(|date| self.start_of(date));
        let start = self.start_of(first).unwrap_or(Timestamp(i64::MIN));
        (start, reset.unwrap_or(Timestamp(i64::MAX)))
    }

    fn local(&self, moment: Timestamp) -> Zoned {
        let instant = jiff::Timestamp::from_microsecond(moment.micros());
        (instant.unwrap_or(jiff::Timestamp::UNIX_EPOCH)).to_zoned(self.0.clone())
    }

    fn start_of(&self, date: Date) -> Option<Timestamp> {
        let zoned = date.to_zoned(self.0.clone()).ok()?;
        let first = zoned.start_of_day().ok()?;
        Some(Timestamp(first.timestamp().as_microsecond()))
    }
}

impl FromStr for Calendar {
    type Err = UnknownZone;

    fn from_str(name: &str) -> Result<Self, UnknownZone> {
        TimeZone::get(name).map(Self).map_err(|_| UnknownZone)
    }
}

impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

impl fmt::Debug for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Calendar({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;
    use time::{Date, OffsetDateTime, Time};

    use super::*;

    const YEAR_1: i64 = -62_135_596_800_000_000;
    const YEAR_9999: i64 = 253_370_764_800_000_000;

    fn window(kind: WindowKind, moment: OffsetDateTime) -> (OffsetDateTime, OffsetDateTime) {
        let window = Calendar::utc().containing(kind, moment.into());
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
                let window = Calendar::utc().containing(kind, Timestamp(micros));
                assert!(window.start < window.reset);
            }
        }
        let last =
            Calendar::utc().containing(WindowKind::Month, datetime!(9999-12-31 23:59 UTC).into());
        assert_eq!(last.reset, Timestamp(i64::MAX));
    }

    proptest! {
        #[test]
        fn a_moment_lies_in_its_window(micros in YEAR_1..YEAR_9999) {
            for kind in WindowKind::ALL {
                let window = Calendar::utc().containing(kind, Timestamp(micros));
                prop_assert!(window.start.micros() <= micros && micros < window.reset.micros());
                // Every moment of a window has that window.
                prop_assert_eq!(Calendar::utc().containing(kind, window.start), window);
                prop_assert_eq!(Calendar::utc().containing(kind, Timestamp(window.reset.micros() - 1)), window);
            }
        }

        #[test]
        fn windows_leave_no_gap(micros in YEAR_1..YEAR_9999) {
            for kind in [WindowKind::Day, WindowKind::Month] {
                let window = Calendar::utc().containing(kind, Timestamp(micros));
                let next = Calendar::utc().containing(kind, window.reset);
                prop_assert_eq!(next.start, window.reset);
                let days = next.reset.since(next.start).as_secs() / 86_400;
                let lengths = match kind {
                    WindowKind::Day => 1..=1,
                    WindowKind::Month => 28..=31,
                    WindowKind::Lifetime => 0..=0,
                };
                prop_assert!(lengths.contains(&days), "{} days", days);
            }
        }

        #[test]
        fn a_day_lies_in_one_month(micros in YEAR_1..YEAR_9999) {
            let day = Calendar::utc().containing(WindowKind::Day, Timestamp(micros));
            let month = Calendar::utc().containing(WindowKind::Month, Timestamp(micros));
            prop_assert!(month.start <= day.start && day.reset <= month.reset);
        }
    }
}

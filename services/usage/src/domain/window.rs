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
        let day = self.date(moment);
        let bounds = match kind {
            WindowKind::Day => self.bounds(day, day.tomorrow().ok()),
            WindowKind::Month => {
                self.bounds(day.first_of_month(), day.last_of_month().tomorrow().ok())
            }
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
        number(self.date(moment))
    }

    /// The same as `YYYY-MM-DD`.
    #[must_use]
    pub fn date_text(&self, moment: Timestamp) -> String {
        self.date(moment).to_string()
    }

    /// The days a window has, the first and the last, as `YYYYMMDD`; whatever days there are for the
    /// one that never ends.
    #[must_use]
    pub fn days(&self, window: Window) -> (i32, i32) {
        match window.kind {
            WindowKind::Lifetime => (i32::MIN, i32::MAX),
            WindowKind::Day | WindowKind::Month => {
                let last = Timestamp(window.reset.micros().saturating_sub(1));
                (self.day(window.start), self.day(last))
            }
        }
    }

    fn bounds(&self, first: Date, next: Option<Date>) -> (Timestamp, Timestamp) {
        let start = self.start_of(first).unwrap_or(Timestamp(i64::MIN));
        let reset = next.and_then(|date| self.start_of(date));
        (start, reset.unwrap_or(Timestamp(i64::MAX)))
    }

    // Where clocks are put back over midnight, the end of a day comes a second time after the next
    // one began. It counts in the next one: a window is one piece of time.
    fn date(&self, moment: Timestamp) -> Date {
        let date = self.local(moment).date();
        let next = date.tomorrow().ok();
        let has_begun = |next: &Date| self.start_of(*next).is_some_and(|start| start <= moment);
        next.filter(has_begun).unwrap_or(date)
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

/// Whether a text is a date, `YYYY-MM-DD`.
#[must_use]
pub fn is_date(text: &str) -> bool {
    // The parser knows more ways of writing one.
    text.len() == 10
        && text
            .parse::<Date>()
            .is_ok_and(|date| date.to_string() == text)
}

fn number(date: Date) -> i32 {
    i32::from(date.year()) * 10_000 + i32::from(date.month()) * 100 + i32::from(date.day())
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
mod tests;

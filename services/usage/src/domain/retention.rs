//! Which months of the ledger there is room for, and which may go.

use async_trait::async_trait;
use types::Timestamp;

use super::error::Error;
use super::window::{Calendar, Window, WindowKind};

/// So many months are made before they begin.
pub const AHEAD: usize = 3;

/// Keeps the ledger by the month, where the database can.
#[async_trait]
pub trait Months: Send + Sync + 'static {
    /// Makes room for these months, and for those that have rows but no room of their own.
    async fn make(&self, months: &[Window]) -> Result<(), Error>;

    /// Sums up what ended by `end` into the opening balances and lets it go. How many months.
    async fn retire(&self, end: Timestamp) -> Result<u64, Error>;
}

/// The month of `now` and those that come, in UTC.
#[must_use]
pub fn months_ahead(now: Timestamp) -> Vec<Window> {
    let calendar = Calendar::utc();
    let mut months = vec![calendar.containing(WindowKind::Month, now)];
    for _ in 0..AHEAD {
        let next = months.last().map_or(now, |month| month.reset);
        months.push(calendar.containing(WindowKind::Month, next));
    }
    months
}

/// The first moment that is kept when so many whole months before this one are.
#[must_use]
pub fn kept_from(now: Timestamp, months: u32) -> Timestamp {
    let calendar = Calendar::utc();
    let mut start = calendar.containing(WindowKind::Month, now).start;
    for _ in 0..months {
        let before = Timestamp(start.micros().saturating_sub(1));
        start = calendar.containing(WindowKind::Month, before).start;
    }
    start
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn this_month_and_three() {
        let months = months_ahead(datetime!(2026-11-30 23:59 UTC).into());
        let starts: Vec<_> = months.iter().map(|month| month.start.utc()).collect();
        let expected = [
            datetime!(2026-11-01 0:00 UTC),
            datetime!(2026-12-01 0:00 UTC),
            datetime!(2027-01-01 0:00 UTC),
            datetime!(2027-02-01 0:00 UTC),
        ];
        assert_eq!(starts, expected);
    }

    #[test]
    fn whole_months_are_kept() {
        let now = datetime!(2026-11-20 12:00 UTC).into();
        assert_eq!(kept_from(now, 0).utc(), datetime!(2026-11-01 0:00 UTC));
        assert_eq!(kept_from(now, 13).utc(), datetime!(2025-10-01 0:00 UTC));
    }
}

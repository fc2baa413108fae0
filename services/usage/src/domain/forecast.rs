//! What will be used by the end of a window if it goes on as before.

use async_trait::async_trait;
use types::Timestamp;

use super::budget::Budget;
use super::error::Error;
use super::meter::Meter;
use super::scope::Scope;
use super::window::{Calendar, Window, WindowKind};

/// So many days say how it goes.
pub const DAYS: u32 = 7;

const DAY_MICROS: i128 = 86_400_000_000;

/// What was used in the full days before today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pace {
    /// All of them together.
    pub total: i64,
    /// How many full days that is, at most [`DAYS`]; 0 when nothing was used before today.
    pub days: u32,
}

/// The days whose use says how it goes, as `YYYYMMDD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// The first one.
    pub first: i32,
    /// Yesterday.
    pub last: i32,
}

/// Knows what was used on which days.
#[async_trait]
pub trait PaceStore: Send + Sync + 'static {
    /// What each of these scopes used of generations or money in these days, in their order, by one
    /// question. `since` is the day from which on anything was used, or the first of the days when
    /// there was something before them.
    async fn used(&self, of: &[(&Scope, Meter)], days: Days) -> Result<Vec<Past>, Error>;
}

/// What was used in some days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Past {
    /// How much.
    pub total: i64,
    /// Since when, as `YYYYMMDD`; none when nothing was.
    pub since: Option<i32>,
}

/// What each of these budgets, with what it used, will have used by the end of its window; 0 when too
/// little is known, or for a window that never ends.
///
/// # Errors
/// The books do not answer.
pub async fn forecasts(
    store: &dyn PaceStore,
    budgets: &[(&Budget, i64)],
    calendar: &Calendar,
    now: Timestamp,
) -> Result<Vec<i64>, Error> {
    let full_days = full_days(calendar, now);
    let (Some(first), Some(last)) = (full_days.last(), full_days.first()) else {
        return Ok(vec![0; budgets.len()]);
    };
    let days = Days {
        first: *first,
        last: *last,
    };
    let of: Vec<(&Scope, Meter)> = budgets
        .iter()
        .map(|(budget, _)| (&budget.scope, budget.meter))
        .collect();
    let pasts = store.used(&of, days).await?;
    let forecast = |((budget, used), past): (&(&Budget, i64), Past)| {
        let counted = full_days.iter().filter(|day| Some(**day) >= past.since);
        let counted = u32::try_from(counted.count()).unwrap_or(DAYS);
        let pace = Pace {
            total: past.total,
            days: past.since.map_or(0, |_| counted),
        };
        projected(*used, pace, calendar.containing(budget.window, now), now)
    };
    Ok(budgets.iter().zip(pasts).map(forecast).collect())
}

/// The same of one from numbers: what is used, and the pace for what is left of the window.
#[must_use]
pub fn projected(used: i64, pace: Pace, window: Window, now: Timestamp) -> i64 {
    if pace.days == 0 || window.kind == WindowKind::Lifetime {
        return 0;
    }
    let left = i128::from(window.reset.micros()) - i128::from(now.micros());
    let more = i128::from(pace.total) * left.max(0) / (i128::from(pace.days) * DAY_MICROS);
    i64::try_from(i128::from(used) + more)
        .unwrap_or(i64::MAX)
        .max(used)
}

// Yesterday first.
fn full_days(calendar: &Calendar, now: Timestamp) -> Vec<i32> {
    let mut days = Vec::new();
    let mut moment = now;
    for _ in 0..DAYS {
        let start = calendar.containing(WindowKind::Day, moment).start;
        moment = Timestamp(start.micros().saturating_sub(1));
        days.push(calendar.day(moment));
    }
    days
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn at_noon(kind: WindowKind, pace: Pace) -> i64 {
        let now = datetime!(2026-11-20 12:00 UTC).into();
        projected(100, pace, Calendar::utc().containing(kind, now), now)
    }

    #[test]
    fn goes_on_as_before() {
        let week = Pace { total: 70, days: 7 };
        // Ten and a half days at ten a day.
        assert_eq!(at_noon(WindowKind::Month, week), 205);
        assert_eq!(at_noon(WindowKind::Day, week), 105);
        let three = Pace { total: 30, days: 3 };
        assert_eq!(at_noon(WindowKind::Month, three), 205);
    }

    #[test]
    fn says_nothing_of_what_it_does_not_know() {
        let nothing = Pace::default();
        assert_eq!(at_noon(WindowKind::Month, nothing), 0);
        let week = Pace { total: 70, days: 7 };
        assert_eq!(at_noon(WindowKind::Lifetime, week), 0);
    }

    #[test]
    fn never_wraps_and_never_falls_below_what_is_used() {
        let much = Pace {
            total: i64::MAX,
            days: 1,
        };
        assert_eq!(at_noon(WindowKind::Month, much), i64::MAX);
        let back = Pace {
            total: -700,
            days: 7,
        };
        assert_eq!(at_noon(WindowKind::Month, back), 100);
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        let berlin: Calendar = "Europe/Berlin".parse().unwrap();
        let now = datetime!(2026-11-01 23:30 UTC).into();
        let expected = [
            20_261_101, 20_261_031, 20_261_030, 20_261_029, 20_261_028, 20_261_027, 20_261_026,
        ];
        assert_eq!(full_days(&berlin, now), expected);
        assert_eq!(full_days(&Calendar::utc(), now)[0], 20_261_031);
    }
}

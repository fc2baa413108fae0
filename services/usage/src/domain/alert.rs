//! What an operator should know, and when a budget says so.

use types::Timestamp;
use uuid::Uuid;

use super::audit::Signature;
use super::budget::Budget;
use super::counter::{Key, Tally};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AlertKind {
    /// A budget reached a threshold.
    BudgetThreshold,
    /// Work cost more than was set aside for it.
    Loss,
    /// Money was spent unusually fast; paid work is paused.
    SpendingPaused,
    /// The books do not agree with each other.
    Imbalance,
}

/// Something an operator should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// UUIDv7.
    pub id: Uuid,
    /// What happened.
    pub kind: AlertKind,
    /// The same happening has the same text, and goes off once.
    pub dedupe: String,
    /// One sentence.
    pub message: String,
    /// The budget, when it is about one.
    pub budget: Option<Uuid>,
    /// The threshold it reached, in percent; 0 for none.
    pub percent: i32,
    /// Used and set aside.
    pub amount: i64,
    /// The limit.
    pub limit: i64,
    /// When the window it counts began.
    pub window_start: Option<Timestamp>,
    /// When it went off.
    pub created_at: Timestamp,
}

impl AlertKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [
        Self::BudgetThreshold,
        Self::Loss,
        Self::SpendingPaused,
        Self::Imbalance,
    ];

    /// As it stands in tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BudgetThreshold => "BUDGET_THRESHOLD",
            Self::Loss => "LOSS",
            Self::SpendingPaused => "SPENDING_PAUSED",
            Self::Imbalance => "IMBALANCE",
        }
    }

    /// Reads what [`AlertKind::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// How a budget's counter moved.
#[derive(Debug, Clone, Copy)]
pub struct Move<'a> {
    /// Which counter.
    pub key: &'a Key,
    /// What was spoken for before.
    pub before: Tally,
    /// And after.
    pub after: Tally,
}

/// The alerts of a budget whose counter moved: one for each threshold it reached on the way up. Each
/// goes off once per window, and again when the limit was raised since.
pub fn crossed<'a>(
    budget: &'a Budget,
    step: Move<'a>,
    now: Timestamp,
    mut id: impl FnMut() -> Uuid + 'a,
) -> impl Iterator<Item = Alert> + 'a {
    let limit = step.after.raised(budget.limit);
    let (before, after) = (step.before.committed(), step.after.committed());
    let reached = budget.alert_percents.iter().filter(move |percent| {
        let threshold = threshold(limit, **percent);
        before < threshold && threshold <= after
    });
    let Move { key, after, .. } = step;
    reached.map(move |percent| reached_alert(budget, key, *percent, after, now, id()))
}

/// The alerts of a budget that was made, or changed, while this stood on its counter: one for each
/// threshold that is reached now and was not before. A limit that is raised reaches none, and a
/// threshold of nothing is none.
pub fn arisen(
    before: Option<&Budget>,
    budget: &Budget,
    key: &Key,
    tally: Tally,
    by: &Signature,
) -> Vec<Alert> {
    let is_reached = |budget: &Budget, percent: i32| {
        let threshold = threshold(tally.raised(budget.limit), percent);
        let is_among = budget.alert_percents.contains(&percent);
        is_among && threshold <= tally.committed() && tally.committed() > 0
    };
    let percents = budget.alert_percents.iter().copied();
    let reached = percents.filter(|percent| {
        is_reached(budget, *percent) && !before.is_some_and(|before| is_reached(before, *percent))
    });
    reached
        .map(|percent| reached_alert(budget, key, percent, tally, by.at, by.ids.next()))
        .collect()
}

fn reached_alert(
    budget: &Budget,
    key: &Key,
    percent: i32,
    tally: Tally,
    now: Timestamp,
    id: Uuid,
) -> Alert {
    let (limit, amount) = (tally.raised(budget.limit), tally.committed());
    Alert {
        id,
        kind: AlertKind::BudgetThreshold,
        dedupe: format!(
            "budget:{}:{}:{percent}:{}",
            budget.id,
            key.start.micros(),
            budget.epoch
        ),
        message: format!(
            "budget '{}' is at {percent} %: {amount} of {limit} {} this {} are spoken for",
            budget.name,
            budget.meter.word(limit),
            budget.window.word(),
        ),
        budget: Some(budget.id),
        percent,
        amount,
        limit,
        window_start: Some(key.start),
        created_at: now,
    }
}

// The first whole unit at or over so many percent.
fn threshold(limit: i64, percent: i32) -> i64 {
    let exact = i128::from(limit) * i128::from(percent);
    i64::try_from((exact + 99) / 100).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_whole_units_and_never_early() {
        assert_eq!(threshold(100, 50), 50);
        assert_eq!(threshold(3, 50), 2);
        assert_eq!(threshold(1, 80), 1);
        assert_eq!(threshold(0, 50), 0);
        assert_eq!(threshold(i64::MAX, 1_000), i64::MAX);
    }
}

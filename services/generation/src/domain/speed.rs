//! How long providers take and how often they fail, counted attempt by attempt in classes of time.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;

use crate::domain::error::Error;

/// The upper ends of the classes, in milliseconds; the last class has none.
pub const CLASSES: [u32; 12] = [
    250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000,
];
/// So many days count.
pub const DAYS: i64 = 7;
// Of fewer nothing is concluded.
const ENOUGH: i64 = 5;

/// How many attempts at a provider's model fell into a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The provider.
    pub provider: String,
    /// Its model.
    pub model: String,
    /// Place in [`CLASSES`], or one more.
    pub class: usize,
    /// All that ended.
    pub count: i64,
    /// Those without a result.
    pub failures: i64,
    /// What they took, in millionths of a US dollar.
    pub cost: i64,
}

/// Where it is counted.
#[async_trait]
pub trait Tallies: Send + Sync + 'static {
    /// The last days' counts.
    async fn tallies(&self) -> Result<Vec<Tally>, Error>;

    /// The counts of these days, which are numbered from 1970-01-01 on.
    async fn tallies_of(&self, days: RangeInclusive<i64>) -> Result<Vec<Tally>, Error>;
}

/// What is known of a provider's model.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Speed {
    /// Attempts that ended.
    pub count: i64,
    /// Those without a result.
    pub failures: i64,
    /// What all took, in millionths of a US dollar.
    pub cost: i64,
    /// How long half of those with a result took at most, in seconds; none when they are too few.
    pub p50: Option<f64>,
    /// How long 95 of a hundred took at most.
    pub p95: Option<f64>,
}

/// What was counted, as it was last heard.
#[derive(Debug, Default)]
pub struct SpeedBoard {
    known: RwLock<Arc<HashMap<(String, String), Speed>>>,
}

impl SpeedBoard {
    /// These are the counts now.
    pub fn replace(&self, tallies: &[Tally]) {
        let known = speeds(tallies).into_iter().collect();
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
    }

    /// What is known of a provider's model.
    #[must_use]
    pub fn of(&self, provider: &str, model: &str) -> Speed {
        let known = Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner));
        let name = (provider.to_owned(), model.to_owned());
        known.get(&name).copied().unwrap_or_default()
    }
}

/// What counts say of each provider's model, by name.
#[must_use]
pub fn speeds(tallies: &[Tally]) -> BTreeMap<(String, String), Speed> {
    let mut classes: HashMap<(String, String), [i64; CLASSES.len() + 1]> = HashMap::new();
    let mut known: BTreeMap<(String, String), Speed> = BTreeMap::new();
    for one in tallies {
        let name = (one.provider.clone(), one.model.clone());
        if let Some(class) = classes.entry(name.clone()).or_default().get_mut(one.class) {
            *class += one.count - one.failures;
        }
        let speed = known.entry(name).or_default();
        speed.count += one.count;
        speed.failures += one.failures;
        speed.cost += one.cost;
    }
    for (name, speed) in &mut known {
        let classes = classes.get(name).copied().unwrap_or_default();
        speed.p50 = quantile(&classes, 0.50);
        speed.p95 = quantile(&classes, 0.95);
    }
    known
}

// In seconds, as if those of a class were spread evenly over it.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a week; their last digits do not matter"
)]
fn quantile(classes: &[i64; CLASSES.len() + 1], share: f64) -> Option<f64> {
    let all: i64 = classes.iter().sum();
    if all < ENOUGH {
        return None;
    }
    let wanted = all as f64 * share;
    let mut before = 0.0;
    let mut from = 0.0;
    for (place, count) in classes.iter().enumerate() {
        let count = *count as f64;
        let to = CLASSES.get(place).map_or(from, |end| f64::from(*end));
        if count > 0.0 && before + count >= wanted {
            return Some((from + (to - from) * (wanted - before) / count) / 1_000.0);
        }
        before += count;
        from = to;
    }
    Some(from / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(counts: &[(usize, i64, i64)]) -> Speed {
        let board = SpeedBoard::default();
        let tallies: Vec<Tally> = (counts.iter())
            .map(|(class, count, failures)| Tally {
                provider: "p".to_owned(),
                model: "m".to_owned(),
                class: *class,
                count: *count,
                failures: *failures,
                cost: 10,
            })
            .collect();
        board.replace(&tallies);
        board.of("p", "m")
    }

    #[test]
    fn quantiles_lie_within_their_class() {
        let speed = board(&[(3, 10, 0), (4, 10, 0), (12, 1, 1)]);
        assert_eq!((speed.count, speed.failures, speed.cost), (21, 1, 30));
        assert_eq!(speed.p50, Some(2.0));
        assert!(speed.p95.is_some_and(|p95| (3.5..4.0).contains(&p95)));
    }

    #[test]
    fn of_a_few_nothing_is_concluded() {
        assert_eq!(board(&[(3, 4, 0)]).p50, None);
        assert_eq!(board(&[(3, 9, 5)]).p50, None);
        // The last class has no end: it counts as its beginning.
        assert_eq!(board(&[(12, 9, 0)]).p50, Some(600.0));
    }
}

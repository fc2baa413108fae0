//! Who was chosen for an order and why: what is stored with it, told with it, and followed when the chosen
//! one fails.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use types::Microusd;

/// What matters in the choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The price.
    #[default]
    Cheapest,
    /// How long it takes, as measured.
    Fastest,
    /// Both.
    Balanced,
}

/// What an order says about the choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wish {
    /// What matters.
    pub policy: Policy,
    /// Nobody who is dearer.
    pub max_price: Option<Microusd>,
    /// Nobody but the chosen one.
    pub no_fallback: bool,
}

/// One that can do an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The provider.
    pub provider: String,
    /// One of its models.
    pub model: String,
    /// What it takes, in millionths of a US dollar, when the order was taken.
    pub price_microusd: i64,
    /// Parts of the order without effect there.
    pub ignored: Vec<String>,
}

/// Why one is not chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It cannot do the order.
    Unfit,
    /// It costs more than the order allows.
    TooExpensive,
    /// No key or address is set; not said any more.
    NotSetUp,
    /// Its pictures are drawn by rule, and there are models.
    Procedural,
    /// It failed lately and is left alone.
    Cooling,
    /// The chosen one suits the policy better.
    Outranked,
}

/// One that is not chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The provider.
    pub provider: String,
    /// Its model; empty for all of them.
    pub model: String,
    /// Why.
    pub why: Why,
    /// The same in a sentence.
    pub message: String,
}

/// How an order is routed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Itinerary {
    /// What mattered.
    pub policy: Policy,
    /// Whether the order named its provider.
    pub is_pinned: bool,
    /// Who is asked first.
    pub chosen: Candidate,
    /// Who is asked when the one before fails without having been paid; no dearer, and the order loses
    /// nothing there.
    pub fallbacks: Vec<Candidate>,
    /// Who is not asked.
    pub rejected: Vec<Rejected>,
    /// Whether the cheapest does it, whatever the order says, because a soft budget is used up.
    #[serde(default)]
    pub is_saving: bool,
}

/// What is known of one that can do an order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Merits {
    /// Whether it is left alone just now.
    pub is_cooling: bool,
    /// What it takes.
    pub price: Microusd,
    /// How long half of its orders took at most, in seconds; none when too few were made lately.
    pub seconds: Option<f64>,
}

impl Itinerary {
    /// What the price of a provider's model was when the order was taken.
    #[must_use]
    pub fn price_of(&self, provider: &str, model: &str) -> Option<Microusd> {
        let found = self.chain().find(|one| one.is(provider, model))?;
        Some(Microusd(found.price_microusd))
    }

    /// Who may be asked after this one.
    pub fn after<'a>(
        &'a self,
        provider: &'a str,
        model: &'a str,
    ) -> impl Iterator<Item = &'a Candidate> {
        let from = self.chain().skip_while(move |one| !one.is(provider, model));
        from.skip(1)
    }

    fn chain(&self) -> impl Iterator<Item = &Candidate> {
        std::iter::once(&self.chosen).chain(&self.fallbacks)
    }
}

impl Candidate {
    /// Whether it is this one.
    #[must_use]
    pub fn is(&self, provider: &str, model: &str) -> bool {
        self.provider == provider && self.model == model
    }

    /// Whether an order for `other` is as well off here: it costs no more, and nothing of it is lost.
    #[must_use]
    pub fn is_on_a_par_with(&self, other: &Self) -> bool {
        self.price_microusd <= other.price_microusd
            && self.ignored.iter().all(|part| other.ignored.contains(part))
    }
}

/// Puts the best first, by what matters. Whoever is left alone now comes last; among equals, the order
/// they come in stands.
pub fn rank<T>(policy: Policy, candidates: &mut [T], merits: impl Fn(&T) -> Merits) {
    let all: Vec<Merits> = candidates.iter().map(&merits).collect();
    let cheapest = all.iter().map(|one| one.price.0).min().unwrap_or(0);
    let fastest = (all.iter().filter_map(|one| one.seconds)).fold(f64::INFINITY, f64::min);
    candidates.sort_by(|left, right| {
        let (left, right) = (merits(left), merits(right));
        let cooling = left.is_cooling.cmp(&right.is_cooling);
        let price = left.price.cmp(&right.price);
        let speed = |one: Merits| one.seconds.unwrap_or(f64::INFINITY);
        let score = |one: Merits| cost_ratio(one.price.0, cheapest) + time_ratio(one, fastest);
        let by_policy = match policy {
            Policy::Cheapest => Ordering::Equal,
            Policy::Fastest => speed(left).total_cmp(&speed(right)),
            Policy::Balanced => score(left).total_cmp(&score(right)),
        };
        cooling.then(by_policy).then(price)
    });
}

// How many times the cheapest; a millionth of a dollar more, so that nothing is no divisor.
#[expect(
    clippy::cast_precision_loss,
    reason = "a ratio of prices; nobody sees its last digits"
)]
fn cost_ratio(price: i64, cheapest: i64) -> f64 {
    (price + 1) as f64 / (cheapest + 1) as f64
}

// How many times the fastest; whoever was not measured counts as twice as slow.
fn time_ratio(one: Merits, fastest: f64) -> f64 {
    match one.seconds {
        Some(seconds) if fastest > 0.0 => seconds / fastest,
        Some(_) => 1.0,
        None => 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(policy: Policy) -> Vec<&'static str> {
        let merits = |price, seconds, is_cooling| Merits {
            is_cooling,
            price: Microusd(price),
            seconds,
        };
        let mut all = [
            ("new", merits(35_000, None, false)),
            ("dear", merits(60_000, Some(2.0), false)),
            ("cheap", merits(30_000, Some(20.0), false)),
            ("away", merits(1_000, Some(0.5), true)),
            ("even", merits(40_000, Some(3.0), false)),
        ];
        rank(policy, &mut all, |one| one.1);
        all.map(|one| one.0).to_vec()
    }

    #[test]
    fn what_matters_comes_first() {
        let cheapest = ["cheap", "new", "even", "dear", "away"];
        assert_eq!(ranked(Policy::Cheapest), cheapest);
        let fastest = ["dear", "even", "cheap", "new", "away"];
        assert_eq!(ranked(Policy::Fastest), fastest);
        assert_eq!(ranked(Policy::Balanced).last(), Some(&"away"));
    }

    #[test]
    fn a_fallback_costs_no_more_and_loses_nothing() {
        let one = |price, ignored: &[&str]| Candidate {
            provider: "p".to_owned(),
            model: "m".to_owned(),
            price_microusd: price,
            ignored: ignored.iter().map(|part| (*part).to_owned()).collect(),
        };
        let chosen = one(5, &["seed"]);
        assert!(one(5, &[]).is_on_a_par_with(&chosen));
        assert!(one(4, &["seed"]).is_on_a_par_with(&chosen));
        assert!(!one(6, &[]).is_on_a_par_with(&chosen));
        assert!(!one(4, &["negativePrompt"]).is_on_a_par_with(&chosen));
    }
}

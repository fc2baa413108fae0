//! What a picture cost, from what a reply says was used.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use types::Microusd;

use crate::domain::provider::Spent;

/// A cost above this for one picture is no cost but a mistake, and not believed.
const MOST_EVER: i64 = 1_000_000_000;

/// Prices of a million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Text sent.
    pub text_in: Microusd,
    /// Pictures sent.
    pub image_in: Microusd,
    /// Text received.
    pub text_out: Microusd,
    /// Pictures received.
    pub image_out: Microusd,
}

/// What a model is priced by, beside its price of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tariff {
    /// Its tokens, when known.
    pub rates: Option<Rates>,
    /// One of whatever else its provider counts, when known.
    pub unit: Option<Microusd>,
}

/// What a provider's models are priced by.
#[derive(Debug, Clone, Default)]
pub struct Tariffs(HashMap<String, Tariff>);

/// Tokens that were used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tokens {
    /// Text sent.
    pub text_in: u64,
    /// Pictures sent.
    pub image_in: u64,
    /// Text received.
    pub text_out: u64,
    /// Pictures received.
    pub image_out: u64,
}

/// The text is not four amounts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be four prices of a million tokens in US dollars: text in, image in, text out, \
     image out, like 0.30,0.30,2.50,30"
)]
pub struct InvalidRates;

impl FromStr for Rates {
    type Err = InvalidRates;

    fn from_str(text: &str) -> Result<Self, InvalidRates> {
        let amounts: Result<Vec<Microusd>, _> =
            text.split(',').map(|part| part.trim().parse()).collect();
        match amounts.as_deref() {
            Ok(&[text_in, image_in, text_out, image_out]) => Ok(Self {
                text_in,
                image_in,
                text_out,
                image_out,
            }),
            _ => Err(InvalidRates),
        }
    }
}

impl fmt::Display for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amounts = [self.text_in, self.image_in, self.text_out, self.image_out];
        let shown = amounts.map(|amount| amount.to_string().trim_start_matches('$').to_owned());
        f.write_str(&shown.join(","))
    }
}

impl Rates {
    /// What these tokens cost, rounded up; `None` when nothing was used or it cannot be right.
    #[must_use]
    pub fn cost(&self, used: Tokens) -> Option<Microusd> {
        let parts = [
            (used.text_in, self.text_in),
            (used.image_in, self.image_in),
            (used.text_out, self.text_out),
            (used.image_out, self.image_out),
        ];
        let total: i128 = (parts.iter())
            .map(|(tokens, rate)| i128::from(*tokens) * i128::from(rate.0))
            .sum();
        let micro = i64::try_from((total + 999_999) / 1_000_000).ok()?;
        plausible(micro)
    }
}

impl Tariffs {
    /// Of a model.
    #[must_use]
    pub fn of(&self, model: &str) -> Tariff {
        self.0.get(model).copied().unwrap_or_default()
    }

    /// A model has this one.
    pub fn add(&mut self, model: &str, tariff: Tariff) {
        self.0.insert(model.to_owned(), tariff);
    }
}

impl Tokens {
    /// All of them; `None` when nothing was used.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        let parts = [self.text_in, self.image_in, self.text_out, self.image_out];
        let total = parts.into_iter().fold(0, u64::saturating_add);
        (total > 0).then_some(total)
    }

    /// What they come to at these rates, if there are any.
    #[must_use]
    pub fn spent(self, rates: Option<Rates>) -> Spent {
        Spent {
            cost: rates.and_then(|rates| rates.cost(self)),
            tokens: self.total(),
        }
    }
}

/// So many units at a price each, rounded up to millionths; none of them cost nothing. `None` when it
/// cannot be right.
#[must_use]
pub fn units(count: f64, price: Microusd) -> Option<Microusd> {
    if !(0.0..=1e9).contains(&count) {
        return None;
    }
    // Binary fractions: 1.1 units of 10 must stay 11.
    let micro = (count * price.0 as f64 - 1e-6).ceil().max(0.0) as i64;
    (micro <= MOST_EVER).then_some(Microusd(micro))
}

/// A cost in hundredths of a US dollar, rounded up to millionths.
#[must_use]
pub fn cents(amount: f64) -> Option<Microusd> {
    if !(0.0..=1e9).contains(&amount) {
        return None;
    }
    // Binary fractions: 1.4 cents must stay 14,000.
    plausible((amount * 10_000.0 - 1e-6).ceil() as i64)
}

fn plausible(micro: i64) -> Option<Microusd> {
    (1..=MOST_EVER).contains(&micro).then_some(Microusd(micro))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_cost_their_rate() {
        let rates: Rates = "0.30,0.30,2.50,30".parse().unwrap();
        let used = Tokens {
            text_in: 15,
            image_out: 1290,
            ..Tokens::default()
        };
        assert_eq!(rates.cost(used), Some(Microusd(38_705)));
        assert_eq!(rates.cost(Tokens::default()), None);
        let absurd = Tokens {
            image_out: u64::MAX,
            ..used
        };
        assert_eq!(rates.cost(absurd), None);
        assert_eq!(rates.to_string().parse(), Ok(rates));
    }

    #[test]
    fn cents_are_exact() {
        assert_eq!(cents(1.4), Some(Microusd(14_000)));
        assert_eq!(cents(4.50001), Some(Microusd(45_001)));
        for wrong in [f64::NAN, -1.0, f64::INFINITY, 1e300, 0.0, 200_000.0] {
            assert_eq!(cents(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn units_are_exact() {
        let price = Microusd(25_000);
        assert_eq!(units(1.0, price), Some(price));
        assert_eq!(units(1.1, Microusd(10)), Some(Microusd(11)));
        assert_eq!(units(0.00001, price), Some(Microusd(1)));
        assert_eq!(units(0.0, price), Some(Microusd(0)));
        for wrong in [f64::NAN, -1.0, f64::INFINITY, 1e300, 1e8] {
            assert_eq!(units(wrong, price), None, "{wrong}");
        }
    }

    #[test]
    fn rates_are_four() {
        for text in ["", "1,2,3", "1,2,3,x", "1,2,3,4,5"] {
            assert_eq!(text.parse::<Rates>(), Err(InvalidRates), "{text}");
        }
    }
}

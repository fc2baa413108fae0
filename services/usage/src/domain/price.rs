//! What work costs: prices of the catalogue, and the quote they give for quantities.

use std::collections::BTreeMap;

use types::{Microusd, Timestamp};
use uuid::Uuid;

/// What a price is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// One picture.
    Image,
    /// Text given to a model; priced by the million.
    InputTokens,
    /// Text a model answers; priced by the million.
    OutputTokens,
    /// Pictures given to a model; priced by the million.
    ImageInputTokens,
    /// Pictures a model answers; priced by the million.
    ImageOutputTokens,
    /// Text a model has read before; priced by the million.
    CachedInputTokens,
    /// Time.
    Seconds,
}

/// So much of what is priced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantity {
    /// What.
    pub unit: Unit,
    /// How many: 1 to 1,000,000,000.
    pub count: i64,
    /// For pictures, `1024x1024`; empty for any.
    pub size: String,
    /// For pictures, e.g. `high`; empty for any.
    pub quality: String,
}

/// Work to set money aside for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// What it comes to at most; never empty.
    pub quantities: Vec<Quantity>,
    /// The caller's configured price of the whole and its date, when it has one.
    pub list: Option<(Microusd, String)>,
    /// How much of the price counts, in thousandths: 1 to 999; all of it when absent.
    pub permille: Option<i64>,
}

/// A price in the catalogue. It never changes: a new one takes its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// UUIDv7.
    pub id: Uuid,
    /// The catalogue's version that brought it.
    pub version: i64,
    /// The provider.
    pub provider: String,
    /// The model.
    pub model: String,
    /// What it is the price of.
    pub unit: Unit,
    /// For pictures; empty for any.
    pub size: String,
    /// For pictures; empty for any.
    pub quality: String,
    /// For one picture or second, or for a million tokens.
    pub price: Microusd,
    /// The date the provider published it, `YYYY-MM-DD`.
    pub as_of: String,
    /// Since when it is in force.
    pub created_at: Timestamp,
    /// Until when it was.
    pub retired_at: Option<Timestamp>,
    /// Who brought it.
    pub created_by: String,
}

/// A price to bring into force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPrice {
    /// The provider.
    pub provider: String,
    /// The model.
    pub model: String,
    /// What it is the price of.
    pub unit: Unit,
    /// For pictures; empty for any.
    pub size: String,
    /// For pictures; empty for any.
    pub quality: String,
    /// For one picture or second, or for a million tokens.
    pub price: Microusd,
    /// The date the provider published it, `YYYY-MM-DD`; today when absent.
    pub as_of: Option<String>,
}

/// Whether a text is a size of pictures: width and height in pixels, `1024x1024`.
#[must_use]
pub fn is_size(text: &str) -> bool {
    let is_length = |side: &str| {
        let is_number = side.bytes().all(|byte| byte.is_ascii_digit());
        (1..=5).contains(&side.len()) && is_number && !side.starts_with('0')
    };
    (text.split_once('x')).is_some_and(|(width, height)| is_length(width) && is_length(height))
}

impl From<&Price> for Quote {
    /// Of one picture or second.
    fn from(price: &Price) -> Self {
        Self {
            amount: price.price,
            version: format!("catalogue:{}", price.version),
        }
    }
}

/// There are no more prices in force than this: every process holds all of them in memory.
pub const MOST_PRICES: i64 = 10_000;

/// What work was priced at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The whole.
    pub amount: Microusd,
    /// `catalogue:<version>` or `list:<date>`, and `@<thousandths>` when only so much of it counts.
    pub version: String,
}

impl Unit {
    /// Every unit.
    pub const ALL: [Self; 7] = [
        Self::Image,
        Self::InputTokens,
        Self::OutputTokens,
        Self::ImageInputTokens,
        Self::ImageOutputTokens,
        Self::CachedInputTokens,
        Self::Seconds,
    ];

    /// As it stands in tables and errors.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "IMAGE",
            Self::InputTokens => "INPUT_TOKENS",
            Self::OutputTokens => "OUTPUT_TOKENS",
            Self::ImageInputTokens => "IMAGE_INPUT_TOKENS",
            Self::ImageOutputTokens => "IMAGE_OUTPUT_TOKENS",
            Self::CachedInputTokens => "CACHED_INPUT_TOKENS",
            Self::Seconds => "SECONDS",
        }
    }

    /// Reads what [`Unit::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.as_str() == text)
    }

    /// How many of them a price is for.
    #[must_use]
    pub const fn per(self) -> i64 {
        match self {
            Self::Image | Self::Seconds => 1,
            Self::InputTokens
            | Self::OutputTokens
            | Self::ImageInputTokens
            | Self::ImageOutputTokens
            | Self::CachedInputTokens => 1_000_000,
        }
    }
}

/// Why prices give no quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unpriced {
    /// A quantity has no price.
    #[error("a quantity has no price")]
    Unknown,
    /// The whole is more than can be counted.
    #[error("the whole is more than can be counted")]
    TooMuch,
}

/// The price of work on a model by these prices in force, every quantity rounded up. Of several that
/// match, the one that names size and quality goes first, then the one that names the size, then the
/// quality.
///
/// # Errors
/// A quantity has no price, or the whole overflows.
pub fn quote(
    prices: &[Price],
    provider: &str,
    model: &str,
    work: &Work,
) -> Result<Quote, Unpriced> {
    let mut whole: i128 = 0;
    let mut version = 0;
    for quantity in &work.quantities {
        let price = find(prices, provider, model, quantity).ok_or(Unpriced::Unknown)?;
        let per = i128::from(quantity.unit.per());
        let exact = i128::from(price.price.0) * i128::from(quantity.count);
        whole += (exact + per - 1) / per;
        version = version.max(price.version);
    }
    // Work of nothing has no price rather than none to pay.
    if work.quantities.is_empty() {
        return Err(Unpriced::Unknown);
    }
    Ok(Quote {
        amount: Microusd(i64::try_from(whole).map_err(|_| Unpriced::TooMuch)?),
        version: format!("catalogue:{version}"),
    })
}

fn find<'a>(
    prices: &'a [Price],
    provider: &str,
    model: &str,
    quantity: &Quantity,
) -> Option<&'a Price> {
    let matching = prices
        .iter()
        .filter(|price| price.provider == provider && price.model == model && price.fits(quantity));
    matching.max_by_key(|price| price.precedence())
}

/// The cheapest price in force of one such quantity, and the model it is of: of this provider and
/// model, or of any where none is named. Of each model the price counts that [`quote`] would take.
#[must_use]
pub fn cheapest<'a>(
    prices: &'a [Price],
    provider: &str,
    model: &str,
    quantity: &Quantity,
) -> Option<&'a Price> {
    let is_wanted = |wanted: &str, name: &str| wanted.is_empty() || wanted == name;
    let mut of_models: BTreeMap<(&str, &str), &Price> = BTreeMap::new();
    for price in prices.iter().filter(|price| price.fits(quantity)) {
        if !is_wanted(provider, &price.provider) || !is_wanted(model, &price.model) {
            continue;
        }
        let best = of_models.entry((&price.provider, &price.model));
        let best = best.or_insert(price);
        if price.precedence() > best.precedence() {
            *best = price;
        }
    }
    let mut found = of_models.into_values();
    let first = found.next()?;
    Some(found.fold(
        first,
        |best, one| if one.price < best.price { one } else { best },
    ))
}

impl Price {
    // Whether it is in force and of such a quantity, of whatever model.
    fn fits(&self, quantity: &Quantity) -> bool {
        let is_sized = self.size.is_empty() || self.size == quantity.size;
        let is_graded = self.quality.is_empty() || self.quality == quantity.quality;
        let is_in_force = self.retired_at.is_none() && self.unit == quantity.unit;
        is_sized && is_graded && is_in_force
    }

    // Of several that fit, the one that says more goes first, then the newer one.
    fn precedence(&self) -> (u8, i64) {
        let exactness = 2 * u8::from(!self.size.is_empty()) + u8::from(!self.quality.is_empty());
        (exactness, self.version)
    }
}

impl Work {
    /// What this work is priced at: by the catalogue, else by the caller's list price; and of that as
    /// much as counts.
    #[must_use]
    pub fn quote(&self, prices: &[Price], provider: &str, model: &str) -> Option<Quote> {
        let whole = self.whole(prices, provider, model)?;
        let Some(permille) = self.permille else {
            return Some(whole);
        };
        let part = (i128::from(whole.amount.0) * i128::from(permille) + 999) / 1_000;
        Some(Quote {
            amount: Microusd(i64::try_from(part).ok()?),
            version: format!("{}@{permille}", whole.version),
        })
    }

    fn whole(&self, prices: &[Price], provider: &str, model: &str) -> Option<Quote> {
        match quote(prices, provider, model, self) {
            Ok(quote) => Some(quote),
            // A list price would be less than the catalogue knows it to be.
            Err(Unpriced::TooMuch) => None,
            Err(Unpriced::Unknown) => {
                let (amount, date) = self.list.clone()?;
                let version = format!("list:{date}");
                Some(Quote { amount, version })
            }
        }
    }
}

#[cfg(test)]
mod tests;

//! What pictures cost today: the usage service's catalogue where it has a price, else the
//! configured one. It guides the choice and is shown; what is held, the usage service decides.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use types::Microusd;

use crate::domain::provider::Model;

/// The price of one picture in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPrice {
    /// The provider.
    pub provider: String,
    /// The model.
    pub model: String,
    /// `1024x1024`; empty for any.
    pub size: String,
    /// In money.
    pub price: Microusd,
    /// The date the provider published it, `YYYY-MM-DD`.
    pub as_of: String,
}

/// A price and its date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// In money.
    pub price: Microusd,
    /// Its date, `YYYY-MM-DD`.
    pub as_of: String,
}

type BySize = HashMap<String, Tag>;

/// The prices as they were last heard.
#[derive(Debug, Default)]
pub struct PriceBoard {
    listed: RwLock<Arc<HashMap<(String, String), BySize>>>,
}

impl PriceBoard {
    /// These are the prices now.
    pub fn replace(&self, prices: Vec<ListedPrice>) {
        let mut listed: HashMap<(String, String), BySize> = HashMap::new();
        for one in prices {
            let tag = Tag {
                price: one.price,
                as_of: one.as_of,
            };
            let of_model = listed.entry((one.provider, one.model)).or_default();
            of_model.insert(one.size, tag);
        }
        *self.listed.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(listed);
    }

    /// The price of a picture of this size: the catalogue's for the size, its price for any, or
    /// the configured one.
    #[must_use]
    pub fn of(&self, provider: &str, model: &Model, (width, height): (u32, u32)) -> Tag {
        let listed = Arc::clone(&self.listed.read().unwrap_or_else(PoisonError::into_inner));
        let of_model = listed.get(&(provider.to_owned(), model.name.clone()));
        let size = format!("{width}x{height}");
        let tag = of_model.and_then(|sizes| sizes.get(&size).or_else(|| sizes.get("")));
        tag.cloned().unwrap_or_else(|| Tag {
            price: model.price_per_image,
            as_of: model.price_as_of.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_exact_price_stands() {
        let board = PriceBoard::default();
        let model = Model {
            name: "m".to_owned(),
            price_per_image: Microusd(5),
            price_as_of: "2026-01-01".to_owned(),
            takes_input_images: false,
        };
        let price = |provider, size| board.of(provider, &model, size).price.0;
        assert_eq!(price("p", (64, 64)), 5);
        let listed = |size: &str, price| ListedPrice {
            provider: "p".to_owned(),
            model: "m".to_owned(),
            size: size.to_owned(),
            price: Microusd(price),
            as_of: "2026-02-02".to_owned(),
        };
        board.replace(vec![listed("64x64", 7), listed("", 6)]);
        assert_eq!(price("p", (64, 64)), 7);
        assert_eq!(price("p", (64, 32)), 6);
        assert_eq!(price("q", (64, 64)), 5);
        assert_eq!(board.of("p", &model, (64, 64)).as_of, "2026-02-02");
        board.replace(Vec::new());
        assert_eq!(board.of("p", &model, (64, 64)).as_of, "2026-01-01");
    }
}

//! What pictures cost today: the usage service's catalogue where it has a price, else the
//! configured one. It guides the choice and is shown; what is held, the usage service decides.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use types::Microusd;

use crate::domain::provider::{ImageSpec, Model, Quality};

/// The price of one picture in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPrice {
    /// The provider.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Of which pictures.
    pub looks: Looks,
    /// In money.
    pub price: Microusd,
    /// The date the provider published it, `YYYY-MM-DD`.
    pub as_of: String,
}

/// What a price may be for alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Looks {
    /// `1024x1024`; empty for any.
    pub size: String,
    /// E.g. `high`; empty for any.
    pub quality: String,
}

impl Looks {
    /// Of a picture that is ordered.
    #[must_use]
    pub fn of(spec: &ImageSpec) -> Self {
        Self::sized(spec.width, spec.height, spec.finish.quality)
    }

    /// Of a picture of this size and quality.
    #[must_use]
    pub fn sized(width: u32, height: u32, quality: Option<Quality>) -> Self {
        Self {
            size: format!("{width}x{height}"),
            quality: quality.map_or_else(String::new, |one| one.as_str().to_owned()),
        }
    }

    // As the usage service has it: size and quality, then the size, then the quality, then any.
    fn less_and_less_exact(&self) -> [Self; 4] {
        let (size, quality) = (&self.size, &self.quality);
        let none = String::new();
        [
            (size, quality),
            (size, &none),
            (&none, quality),
            (&none, &none),
        ]
        .map(|(size, quality)| Self {
            size: size.clone(),
            quality: quality.clone(),
        })
    }
}

/// A price and its date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// In money.
    pub price: Microusd,
    /// Its date, `YYYY-MM-DD`.
    pub as_of: String,
}

type ByLooks = HashMap<Looks, Tag>;

/// The prices as they were last heard.
#[derive(Debug, Default)]
pub struct PriceBoard {
    listed: RwLock<Arc<HashMap<(String, String), ByLooks>>>,
}

impl PriceBoard {
    /// These are the prices now.
    pub fn replace(&self, prices: Vec<ListedPrice>) {
        let mut listed: HashMap<(String, String), ByLooks> = HashMap::new();
        for one in prices {
            let tag = Tag {
                price: one.price,
                as_of: one.as_of,
            };
            let of_model = listed.entry((one.provider, one.model)).or_default();
            of_model.insert(one.looks, tag);
        }
        *self.listed.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(listed);
    }

    /// The price of such a picture: the catalogue's that says most of it, or the configured one.
    #[must_use]
    pub fn of(&self, provider: &str, model: &Model, looks: &Looks) -> Tag {
        let listed = Arc::clone(&self.listed.read().unwrap_or_else(PoisonError::into_inner));
        let of_model = listed.get(&(provider.to_owned(), model.name.clone()));
        let mut known = looks.less_and_less_exact().into_iter();
        let tag = of_model.and_then(|tags| known.find_map(|looks| tags.get(&looks)));
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
        let square = Looks::sized(64, 64, None);
        let fine = |height| Looks::sized(64, height, Some(Quality::High));
        let price = |provider, looks: &Looks| board.of(provider, &model, looks).price.0;
        assert_eq!(price("p", &square), 5);
        let listed = |size: &str, quality: &str, price| ListedPrice {
            provider: "p".to_owned(),
            model: "m".to_owned(),
            looks: Looks {
                size: size.to_owned(),
                quality: quality.to_owned(),
            },
            price: Microusd(price),
            as_of: "2026-02-02".to_owned(),
        };
        board.replace(vec![listed("64x64", "", 7), listed("", "", 6)]);
        assert_eq!([price("p", &square), price("p", &fine(64))], [7, 7]);
        assert_eq!([price("p", &fine(32)), price("q", &square)], [6, 5]);
        assert_eq!(board.of("p", &model, &square).as_of, "2026-02-02");
        let graded = vec![
            listed("64x64", "high", 9),
            listed("", "high", 8),
            listed("", "", 6),
        ];
        board.replace(graded);
        let all = [&square, &fine(64), &fine(32)].map(|looks| price("p", looks));
        assert_eq!(all, [6, 9, 8]);
        board.replace(Vec::new());
        assert_eq!(board.of("p", &model, &square).as_of, "2026-01-01");
    }
}

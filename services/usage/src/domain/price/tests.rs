//! Quotes: the most exact price, rounded up, or none at all.

use proptest::prelude::*;

use super::*;

fn price(unit: Unit, size: &str, quality: &str, price: i64) -> Price {
    Price {
        id: Uuid::nil(),
        version: price,
        provider: "gemini".to_owned(),
        model: "banana".to_owned(),
        unit,
        size: size.to_owned(),
        quality: quality.to_owned(),
        price: Microusd(price),
        as_of: "2026-11-20".to_owned(),
        created_at: Timestamp(0),
        retired_at: None,
        created_by: String::new(),
    }
}

fn quantity(unit: Unit, count: i64, size: &str, quality: &str) -> Quantity {
    Quantity {
        unit,
        count,
        size: size.to_owned(),
        quality: quality.to_owned(),
    }
}

fn work(quantities: Vec<Quantity>) -> Work {
    Work {
        quantities,
        list: None,
        permille: None,
    }
}

fn amount(prices: &[Price], quantities: Vec<Quantity>) -> Result<i64, Unpriced> {
    let quote = quote(prices, "gemini", "banana", &work(quantities));
    quote.map(|quote| quote.amount.0)
}

#[test]
fn the_most_exact_price_goes_first() {
    let mut prices = vec![
        price(Unit::Image, "", "", 1),
        price(Unit::Image, "", "high", 2),
        price(Unit::Image, "1024x1024", "", 3),
        price(Unit::Image, "1024x1024", "high", 4),
    ];
    for _ in 0..2 {
        for (size, quality, expected) in [
            ("1024x1024", "high", 4),
            ("1024x1024", "low", 3),
            ("512x512", "high", 2),
            ("512x512", "low", 1),
            ("", "", 1),
        ] {
            let one = quantity(Unit::Image, 1, size, quality);
            assert_eq!(amount(&prices, vec![one]), Ok(expected), "{size} {quality}");
        }
        prices.reverse();
    }
}

#[test]
fn every_quantity_is_rounded_up() {
    let prices = [
        price(Unit::InputTokens, "", "", 300_000),
        price(Unit::OutputTokens, "", "", 1),
        price(Unit::Seconds, "", "", 7),
    ];
    for (unit, count, expected) in [
        (Unit::InputTokens, 1, 1),
        (Unit::InputTokens, 10, 3),
        (Unit::InputTokens, 11, 4),
        (Unit::InputTokens, 1_000_000, 300_000),
        (Unit::OutputTokens, 1, 1),
        (Unit::OutputTokens, 1_000_001, 2),
        (Unit::Seconds, 3, 21),
    ] {
        let one = quantity(unit, count, "", "");
        assert_eq!(amount(&prices, vec![one]), Ok(expected), "{unit:?} {count}");
    }
}

#[test]
fn what_has_no_price_is_never_free() {
    let mut retired = price(Unit::Seconds, "", "", 5);
    retired.retired_at = Some(Timestamp(1));
    let prices = [price(Unit::Image, "1024x1024", "", 39_000), retired];
    let image = |size: &str| quantity(Unit::Image, 1, size, "");
    assert_eq!(amount(&prices, vec![image("1024x1024")]), Ok(39_000));
    for unknown in [
        vec![image("512x512")],
        vec![image("1024x1024"), image("512x512")],
        vec![quantity(Unit::InputTokens, 1, "", "")],
        vec![quantity(Unit::Seconds, 1, "", "")],
        vec![],
    ] {
        assert_eq!(
            amount(&prices, unknown.clone()),
            Err(Unpriced::Unknown),
            "{unknown:?}"
        );
    }
    let one = work(vec![image("1024x1024")]);
    for (provider, model) in [("gemini", "other"), ("other", "banana"), ("", "")] {
        assert_eq!(
            quote(&prices, provider, model, &one),
            Err(Unpriced::Unknown)
        );
        assert_eq!(one.quote(&prices, provider, model), None);
    }
}

#[test]
fn the_catalogue_goes_before_the_list() {
    let prices = [price(Unit::Image, "", "", 40_000)];
    let mut one = work(vec![quantity(Unit::Image, 1, "", "")]);
    one.list = Some((Microusd(5), "2026-01-01".to_owned()));
    let of = |model: &str| {
        let quote = one.quote(&prices, "gemini", model).unwrap();
        (quote.amount.0, quote.version)
    };
    assert_eq!(of("banana"), (40_000, "catalogue:40000".to_owned()));
    assert_eq!(of("other"), (5, "list:2026-01-01".to_owned()));
}

#[test]
fn what_cannot_be_counted_has_no_price() {
    let prices = [price(Unit::Image, "", "", i64::MAX)];
    let of = |count| quantity(Unit::Image, count, "", "");
    assert_eq!(amount(&prices, vec![of(1)]), Ok(i64::MAX));
    assert_eq!(amount(&prices, vec![of(2)]), Err(Unpriced::TooMuch));
    assert_eq!(amount(&prices, vec![of(1), of(1)]), Err(Unpriced::TooMuch));
    let mut dear = work(vec![of(1_000_000_000); 16]);
    dear.list = Some((Microusd(1), "2026-01-01".to_owned()));
    assert_eq!(dear.quote(&prices, "gemini", "banana"), None);
}

fn any_quantity() -> impl Strategy<Value = Quantity> {
    (
        proptest::sample::select(Unit::ALL.to_vec()),
        1..=1_000_000_000_i64,
        proptest::sample::select(vec!["", "512x512", "1024x1024"]),
        proptest::sample::select(vec!["", "low", "high"]),
    )
        .prop_map(|(unit, count, size, quality)| quantity(unit, count, size, quality))
}

fn any_prices() -> impl Strategy<Value = Vec<Price>> {
    let one = (any_quantity(), 0..=1_000_000_000_000_i64, any::<bool>());
    let one = one.prop_map(|(like, amount, is_retired)| Price {
        retired_at: is_retired.then_some(Timestamp(0)),
        ..price(like.unit, &like.size, &like.quality, amount)
    });
    proptest::collection::vec(one, 0..12)
}

#[test]
fn a_part_of_the_price_is_rounded_up() {
    let prices = [price(Unit::Image, "", "", 7)];
    let quoted = |prices: &[Price], permille| {
        let part = Work {
            list: Some((Microusd(1_001), "2026-11-01".to_owned())),
            permille: Some(permille),
            ..work(vec![quantity(Unit::Image, 1, "", "")])
        };
        let quote = part.quote(prices, "gemini", "banana").unwrap();
        (quote.amount.0, quote.version)
    };
    assert_eq!(quoted(&prices, 500), (4, "catalogue:7@500".to_owned()));
    assert_eq!(quoted(&[], 500), (501, "list:2026-11-01@500".to_owned()));
    assert_eq!(quoted(&[], 1), (2, "list:2026-11-01@1".to_owned()));
    assert_eq!(quoted(&[], 999).0, 1_000);
}

proptest! {
    #[test]
    fn a_quote_is_enough_and_not_a_unit_more(
        prices in any_prices(),
        quantities in proptest::collection::vec(any_quantity(), 1..=16),
    ) {
        let Ok(quoted) = amount(&prices, quantities.clone()) else {
            return Ok(());
        };
        let mut least = 0_i128;
        for one in &quantities {
            let found = find(&prices, "gemini", "banana", one).unwrap();
            prop_assert!(found.retired_at.is_none() && found.unit == one.unit);
            // Nothing more exact is passed over.
            for other in prices.iter().filter(|other| other.retired_at.is_none() && other.unit == one.unit) {
                let named = |price: &Price| (!price.size.is_empty(), !price.quality.is_empty());
                let fits = (other.size.is_empty() || other.size == one.size)
                    && (other.quality.is_empty() || other.quality == one.quality);
                prop_assert!(!fits || named(other) <= named(found));
            }
            // In millionths, so that nothing is rounded here.
            let per = 1_000_000 / i128::from(one.unit.per());
            least += i128::from(found.price.0) * i128::from(one.count) * per;
        }
        let quoted = i128::from(quoted) * 1_000_000;
        prop_assert!(quoted >= least);
        prop_assert!(quoted - least < 1_000_000 * i128::try_from(quantities.len()).unwrap());
    }

    #[test]
    fn more_never_costs_less(prices in any_prices(), one in any_quantity(), more in 0..1_000_000_i64) {
        let larger = Quantity { count: one.count + more, ..one.clone() };
        let (small, large) = (amount(&prices, vec![one]), amount(&prices, vec![larger]));
        if let (Ok(small), Ok(large)) = (small, large) {
            prop_assert!(small <= large);
        }
    }
}

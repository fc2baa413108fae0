//! The catalogue's prices guide the choice of a provider and are shown; what is held is not ours to say.

use std::sync::Arc;
use std::time::Duration;

use contracts::generation::v1::{ListProvidersRequest, Model};
use contracts::usage::v1::Price;
use contracts::usage::v1::quantity::Unit;
use generation::domain::routing::Entry;
use testkit::TestDb;
use uuid::Uuid;

use crate::support::suite::{Options, User, order};
use crate::support::{Scripted, Suite, on_both};

on_both!(the_catalogue_goes_before_the_settings);

fn listed(provider: &str, size: &str, quality: &str, price: i64) -> Price {
    Price {
        id: Uuid::now_v7().to_string(),
        version: 3,
        provider: provider.to_owned(),
        model: format!("{provider}-1"),
        unit: Unit::Image.into(),
        size: size.to_owned(),
        quality: quality.to_owned(),
        price_microusd: price,
        as_of: "2026-11-20".to_owned(),
        ..Price::default()
    }
}

async fn models(user: &User) -> Vec<Model> {
    let request = user.request(ListProvidersRequest {});
    let answer = user.client.clone().list_providers(request).await.unwrap();
    let providers = answer.into_inner().providers.into_iter();
    providers.flat_map(|provider| provider.models).collect()
}

async fn the_catalogue_goes_before_the_settings(db: TestDb) {
    let dear = Arc::new(Scripted::new("dear", 39_000));
    let cheap = Arc::new(Scripted::new("cheap", 8_000));
    let entries = vec![Entry::ready(dear, true), Entry::ready(cheap, true)];
    let mut suite = Suite::start(db, entries, Options::default()).await;
    let user = suite.user();
    let made = user.create(order("a fox")).await.unwrap();
    assert_eq!(made.provider, "cheap");
    assert_eq!(models(&user).await[1].price_per_image_microusd, 39_000);

    let tokens = Price {
        unit: Unit::ImageOutputTokens.into(),
        ..listed("cheap", "", "", 1)
    };
    *suite.peers.usage.prices.lock().unwrap() = vec![
        listed("dear", "", "", 30_000),
        // For this size it is the cheapest; its price for another quality is no price of ours.
        listed("dear", "64x64", "", 5_000),
        listed("cheap", "", "high", 1),
        tokens,
    ];
    suite.restart(Options::default()).await;
    let user = suite.user_again(user.id);
    for _ in 0..200 {
        if models(&user).await[1].price_per_image_microusd == 30_000 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let shown = models(&user).await;
    let tags: Vec<(i64, &str)> = (shown.iter())
        .map(|model| (model.price_per_image_microusd, model.price_as_of.as_str()))
        .collect();
    assert_eq!(tags, [(8_000, "2026-11-01"), (30_000, "2026-11-20")]);
    let small = user.create(order("a fox")).await.unwrap();
    assert_eq!(small.provider, "dear");
    let mut large = order("a fox");
    large.image.as_mut().unwrap().width = Some(128);
    assert_eq!(user.create(large).await.unwrap().provider, "cheap");
}

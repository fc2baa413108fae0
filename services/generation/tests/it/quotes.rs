//! What would come of an order, told without placing it.

use std::sync::Arc;

use contracts::generation::v1::generation::Kind;
use contracts::generation::v1::{QuoteGenerationRequest, QuoteGenerationResponse, Routing};
use errors::Reason;
use generation::domain::routing::Entry;
use generation::store::entity::tasks;
use sea_orm::EntityTrait;
use testkit::TestDb;
use tonic::Status;

use crate::support::suite::{Options, User, order};
use crate::support::{Scripted, Suite, on_both};

on_both!(
    a_quote_is_the_order_without_the_order,
    what_was_made_before_is_quoted_for_nothing,
);

async fn quoted(user: &User, provider: &str) -> Result<QuoteGenerationResponse, Status> {
    let mut image = order("a fox").image.unwrap();
    provider.clone_into(&mut image.provider);
    let request = user.request(QuoteGenerationRequest {
        kind: Kind::Image.into(),
        image: Some(image),
        routing: Some(Routing::default()),
        ..QuoteGenerationRequest::default()
    });
    let answer = user.client.clone().quote_generation(request).await?;
    Ok(answer.into_inner())
}

async fn a_quote_is_the_order_without_the_order(db: TestDb) {
    let cheap = Arc::new(Scripted::new("cheap", 8_000));
    let dear = Arc::new(Scripted::new("dear", 39_000));
    let options = Options {
        workers: 0,
        max_pending: 2,
        ..Options::default()
    };
    let entries = vec![Entry::ready(cheap, true), Entry::ready(dear, true)];
    let suite = Suite::start(db, entries, options).await;
    let user = suite.user();
    let quote = quoted(&user, "").await.unwrap();
    assert!(quote.allowed && quote.reason.is_empty() && quote.message.is_empty());
    assert_eq!((quote.price_microusd, quote.queue_position), (8_000, 1));
    let [money, count] = &quote.limits[..] else {
        panic!("{:?}", quote.limits);
    };
    assert_eq!(
        (money.meter.as_str(), money.window.as_str()),
        ("MICROUSD", "MONTH")
    );
    assert_eq!(
        (money.asked, money.remaining, money.fits),
        (8_000, 10_000, true)
    );
    assert_eq!((count.meter.as_str(), count.asked), ("GENERATIONS", 1));
    // Nothing is left behind.
    let stored = tasks::Entity::find().all(suite.db.write()).await.unwrap();
    assert!(stored.is_empty());
    assert!(suite.peers.usage.reservations.lock().unwrap().is_empty());
    // The order is routed as it was quoted.
    let made = user.create(order("a fox")).await.unwrap();
    assert_eq!(made.route, quote.route);
    let refused = quoted(&user, "dear").await.unwrap();
    assert!(!refused.allowed && !refused.limits[0].fits);
    assert_eq!(refused.reason, "BUDGET_EXCEEDED");
    assert_eq!(
        (refused.price_microusd, refused.queue_position),
        (39_000, 2)
    );
    user.create(order("a hare")).await.unwrap();
    let full = quoted(&user, "").await.unwrap();
    assert_eq!((full.allowed, full.reason.as_str()), (false, "QUEUE_FULL"));
    // Another's first goes before the second of this one.
    assert_eq!(quoted(&suite.user(), "").await.unwrap().queue_position, 2);
    let unknown = errors::from_status(quoted(&user, "oracle").await.unwrap_err());
    assert_eq!(unknown.reason, Reason::InvalidField);
}

async fn what_was_made_before_is_quoted_for_nothing(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 8_000));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let mut fox = order("a fox");
    fox.image.as_mut().unwrap().seed = Some(7);
    let quote = async |image, cache| {
        let request = user.request(QuoteGenerationRequest {
            kind: Kind::Image.into(),
            image,
            cache,
            ..QuoteGenerationRequest::default()
        });
        let answer = user.client.clone().quote_generation(request).await;
        let answer = answer.unwrap().into_inner();
        let asked = answer.limits[0].asked;
        assert_eq!(asked, answer.price_microusd);
        (answer.cached, answer.price_microusd, answer.queue_position)
    };
    assert_eq!(quote(fox.image.clone(), None).await, (false, 8_000, 1));
    let made = user.create(fox.clone()).await.unwrap();
    user.finished(&made.id).await;
    assert_eq!(quote(fox.image.clone(), None).await, (true, 0, 0));
    assert_eq!(
        quote(fox.image.clone(), Some(false)).await,
        (false, 8_000, 1)
    );
    let other = order("a hare").image;
    assert_eq!(quote(other, Some(true)).await, (false, 8_000, 1));
    assert!(user.create(fox).await.unwrap().cached);
}

//! Who is chosen for an order, what is told of it, and who does it when the chosen one fails.

use std::sync::Arc;
use std::time::Duration;

use contracts::generation::v1::generation::Status as State;
use contracts::generation::v1::route::rejected::Reason as Why;
use contracts::generation::v1::routing::Policy;
use contracts::generation::v1::{CreateGenerationRequest, Generation, Route, Routing};
use errors::Reason;
use generation::domain::provider::{ErrorClass, ImageProvider, Spent};
use generation::domain::routing::Entry;
use generation::domain::speed::Tallies;
use generation::store::Store;
use sea_orm::ConnectionTrait;
use testkit::TestDb;
use types::Microusd;

use crate::support::suite::{Options, User, order};
use crate::support::usage::Held;
use crate::support::{Play, Scripted, Suite, on_both, rows};

on_both!(
    the_choice_is_explained,
    nobody_is_dearer_than_the_order_allows,
    another_does_what_the_first_could_not,
    what_may_be_paid_or_was_refused_goes_nowhere_else,
    the_fastest_is_measured,
);

pub fn routed(
    policy: Policy,
    max_price: Option<i64>,
    no_fallback: bool,
) -> CreateGenerationRequest {
    CreateGenerationRequest {
        routing: Some(Routing {
            policy: policy.into(),
            max_price_microusd: max_price,
            no_fallback,
        }),
        ..order("a fox")
    }
}

pub fn entries<const COUNT: usize>(providers: [&Arc<Scripted>; COUNT]) -> Vec<Entry> {
    let ready = |one: &Arc<Scripted>| {
        let one: Arc<dyn ImageProvider> = one.clone();
        Entry::ready(one, true)
    };
    providers.map(ready).into()
}

fn names(route: &Route) -> Vec<&str> {
    let chosen = route.chosen.iter().chain(&route.fallbacks);
    chosen.map(|one| one.provider.as_str()).collect()
}

fn reasons(route: &Route) -> Vec<(&str, Why)> {
    let rejected = route.rejected.iter();
    rejected
        .map(|one| (one.provider.as_str(), one.reason()))
        .collect()
}

async fn the_choice_is_explained(db: TestDb) {
    let providers = [("a", 8_000), ("b", 8_000), ("dear", 39_000)];
    let [a, b, dear] = providers.map(|(name, price)| Arc::new(Scripted::new(name, price)));
    let mut all = entries([&a, &b, &dear]);
    let by_rule: Arc<dyn ImageProvider> = Arc::new(Scripted::new("rule", 0));
    all.push(Entry::ready(by_rule, false));
    all.push(Entry {
        name: "absent".to_owned(),
        provider: None,
        ..all[0].clone()
    });
    let suite = Suite::start(db, all, Options::default()).await;
    let user = suite.user();
    let made = user.create(order("a fox")).await.unwrap();
    let route = made.route.clone().unwrap();
    assert_eq!(names(&route), ["a", "b"]);
    // Who is not set up is nobody's concern.
    let expected = [("dear", Why::Outranked), ("rule", Why::Procedural)];
    assert_eq!(reasons(&route), expected);
    assert_eq!((route.policy(), route.pinned), (Policy::Cheapest, false));
    // It stands as it was, and in lists, too.
    let done = user.finished(&made.id).await;
    assert_eq!(done.route, Some(route));
    let mut pinned = order("a fox");
    pinned.image.as_mut().unwrap().provider = "dear".to_owned();
    let route = user.create(pinned).await.unwrap().route.unwrap();
    assert!(route.pinned && names(&route) == ["dear"] && route.rejected.is_empty());
    let alone = routed(Policy::Cheapest, None, true);
    let route = user.create(alone).await.unwrap().route.unwrap();
    assert_eq!(names(&route), ["a"]);
    assert_eq!(reasons(&route)[0], ("b", Why::Outranked));
}

async fn nobody_is_dearer_than_the_order_allows(db: TestDb) {
    let providers = [("cheap", 8_000), ("dear", 39_000)];
    let [cheap, dear] = providers.map(|(name, price)| Arc::new(Scripted::new(name, price)));
    let suite = Suite::start(db, entries([&cheap, &dear]), Options::default()).await;
    let user = suite.user();
    let most = |most| routed(Policy::Cheapest, Some(most), false);
    let route = user.create(most(8_000)).await.unwrap().route.unwrap();
    assert_eq!(reasons(&route), [("dear", Why::TooExpensive)]);
    for (price, expected) in [
        (
            7_999,
            "must be at least 8000, which the cheapest takes who can do the order",
        ),
        (-1, "must not be negative"),
    ] {
        let fault = errors::from_status(user.create(most(price)).await.unwrap_err());
        assert_eq!(fault.reason, Reason::InvalidField);
        let found = &fault.violations[0];
        assert_eq!(found.field, "routing.maxPriceMicrousd");
        assert_eq!(found.description, expected);
    }
    let mut unknown = most(8_000);
    unknown.routing.get_or_insert_default().policy = 99;
    let fault = errors::from_status(user.create(unknown).await.unwrap_err());
    assert_eq!(fault.reason, Reason::InvalidField);
    assert_eq!(fault.violations[0].field, "routing.policy");
}

async fn all_settled(suite: &Suite) -> Vec<(String, i64)> {
    for _ in 0..400 {
        let is_over = {
            let held = suite.peers.usage.reservations.lock().unwrap();
            (held.values())
                .all(|one| matches!(one, Held::Settled | Held::Released | Held::Suspended))
        };
        if is_over {
            let charges = suite.peers.usage.charges.lock().unwrap();
            let charges = charges.values().flatten();
            return charges
                .map(|one| (one.provider.clone(), one.microusd))
                .collect();
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{:?}", suite.peers.usage.calls.lock());
}

async fn done(user: &User, order: CreateGenerationRequest) -> Generation {
    let made = user.create(order).await.unwrap();
    user.finished(&made.id).await
}

async fn another_does_what_the_first_could_not(db: TestDb) {
    let failing = [
        Play::Fail(ErrorClass::Unavailable, None),
        Play::Fail(ErrorClass::RateLimited, Some(Duration::from_secs(600))),
    ];
    let first = Arc::new(Scripted::new("first", 8_000).plays(failing));
    let refused = Play::Fail(ErrorClass::Account, None);
    let second = Arc::new(Scripted::new("second", 8_000).plays([Play::Paint, refused]));
    let third = Arc::new(Scripted::new("third", 8_000));
    let all = entries([&first, &second, &third]);
    let suite = Suite::start(db, all, Options::default()).await;
    let user = suite.user();
    let made = done(&user, order("a fox")).await;
    assert_eq!(made.status(), State::Completed);
    assert_eq!(
        (made.provider.as_str(), made.model.as_str()),
        ("second", "second-1")
    );
    assert_eq!((made.attempts, made.cost_microusd), (2, 8_000));
    assert_eq!(made.route.unwrap().chosen.unwrap().provider, "first");
    assert_eq!(all_settled(&suite).await, [("second".to_owned(), 8_000)]);
    let told = user.watch(&made.id, 0).await.unwrap();
    assert!(
        told.iter()
            .any(|one| one.message.ends_with("second is asked instead"))
    );
    // Two fail one after the other; the third does it.
    let made = done(&user, order("a hare")).await;
    assert_eq!(made.status(), State::Completed);
    assert_eq!((made.provider.as_str(), made.attempts), ("third", 3));
    let id = made.id.parse().unwrap();
    let attempts = rows::attempts_of(&suite.db, id).await;
    let asked: Vec<(&str, &str)> = (attempts.iter())
        .map(|one| (one.provider.as_str(), one.state.as_str()))
        .collect();
    let expected = [
        ("first", "failed"),
        ("second", "failed"),
        ("third", "succeeded"),
    ];
    assert_eq!(asked, expected);
    rows::assert_whole_story(&suite.db, id).await;
}

async fn what_may_be_paid_or_was_refused_goes_nowhere_else(db: TestDb) {
    let billed = Spent::money(Microusd(700));
    let plays = [
        Play::Fail(ErrorClass::Policy, None),
        Play::Fail(ErrorClass::Invalid, None),
        Play::Fail(ErrorClass::Ambiguous, None),
        Play::Send(b"<html>".to_vec()),
        Play::FailFor(ErrorClass::Account, billed),
    ];
    let count = plays.len();
    let first = Arc::new(Scripted::new("first", 8_000).plays(plays));
    let second = Arc::new(Scripted::new("second", 8_000));
    let all = entries([&first, &second]);
    let suite = Suite::start(db, all, Options::default()).await;
    let user = suite.user();
    for place in 0..count {
        let made = done(&user, order("a fox")).await;
        assert_eq!(made.status(), State::Failed, "{place}");
        assert_eq!((made.provider.as_str(), made.attempts), ("first", 1));
    }
    assert_eq!(second.sends(), 0);
    assert_eq!(all_settled(&suite).await, [("first".to_owned(), 700)]);
}

/// Ten orders each of today: those of `slow` took 20 seconds, those of `quick` 2.
pub async fn measured(db: &TestDb) -> Store {
    let (database, store) = rows::store(db).await;
    let today = "INSERT INTO provider_stats VALUES
        ({day}, 'slow', 'slow-1', 7, 0, 10, 0, 0), ({day}, 'quick', 'quick-1', 3, 0, 10, 0, 0)";
    let day = types::Clock::now(&types::SystemClock).micros() / 86_400_000_000;
    let today = today.replace("{day}", &day.to_string());
    database.write().execute_unprepared(&today).await.unwrap();
    store
}

async fn the_fastest_is_measured(db: TestDb) {
    let store = measured(&db).await;
    let providers = [("slow", 8_000), ("quick", 9_000)];
    let [slow, quick] = providers.map(|(name, price)| Arc::new(Scripted::new(name, price)));
    let suite = Suite::start(db, entries([&slow, &quick]), Options::default()).await;
    let user = suite.user();
    tokio::time::sleep(Duration::from_millis(300)).await;
    for (policy, expected) in [
        (Policy::Unspecified, &["slow"][..]),
        (Policy::Fastest, &["quick", "slow"]),
        (Policy::Balanced, &["quick", "slow"]),
    ] {
        let route = user
            .create(routed(policy, None, false))
            .await
            .unwrap()
            .route;
        assert_eq!(names(&route.unwrap()), expected);
    }
    let request = user.request(contracts::generation::v1::ListProvidersRequest {});
    let listed = user.client.clone().list_providers(request).await.unwrap();
    let listed = listed.into_inner().providers;
    let told = listed[0].models[0].performance.unwrap();
    assert_eq!((told.orders, told.failures), (10, 0));
    assert_eq!(told.p50.unwrap().seconds, 1);
    // What ends here is counted.
    let count = async || {
        let tallies = store.tallies().await.unwrap();
        let of_quick = tallies.iter().filter(|one| one.provider == "quick");
        of_quick.map(|one| one.count).sum::<i64>()
    };
    for _ in 0..200 {
        if count().await == 12 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(count().await, 12);
}

//! What processes know together of providers: who rests, who tries, and how often they are asked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use contracts::generation::v1::generation::Status as State;
use contracts::generation::v1::generation_event::Type;
use contracts::generation::v1::{CreateGenerationRequest, ListProvidersRequest, provider};
use generation::domain::cooling::{Healths, Observation};
use generation::domain::ports::{Tasks, Work};
use generation::domain::provider::ErrorClass;
use generation::domain::queue::Bounds;
use generation::domain::routing::{Entry, Limits};
use generation::store::Store;
use testkit::TestDb;
use tokio::task::JoinSet;
use types::UserId;
use uuid::Uuid;

use crate::support::rows::{self, LEASE};
use crate::support::suite::{Options, User, order};
use crate::support::{Play, Scripted, Suite, on_both};

on_both!(
    one_order_tries_a_provider_that_rested,
    a_rate_is_one_for_all,
    what_others_write_is_kept,
    a_rate_makes_wait_and_fails_nothing,
);

async fn orders(store: &Store, count: usize) {
    for _ in 0..count {
        let task = rows::new_task(UserId(Uuid::now_v7()));
        store.create(task).await.unwrap();
    }
}

// So many claim at once; how many tasks they took.
async fn raced(store: &Store, claims: usize, bounds: &Bounds) -> usize {
    let mut racing = JoinSet::new();
    for _ in 0..claims {
        let (store, bounds) = (store.clone(), bounds.clone());
        racing.spawn(async move { store.claim("w", 3, LEASE, &bounds).await.unwrap().len() });
    }
    racing.join_all().await.into_iter().sum()
}

// Red when several try at once (claims that do not wait for each other, a try that is not written down) and
// when nobody does.
async fn one_order_tries_a_provider_that_rested(db: TestDb) {
    let (_, store) = rows::store(&db).await;
    orders(&store, 9).await;
    let rest = Observation::Rests(Duration::from_millis(300));
    store.observe("fake", rest).await.unwrap();
    let none = Bounds::default();
    assert_eq!(raced(&store, 4, &none).await, 0);
    tokio::time::sleep(Duration::from_millis(310)).await;
    assert_eq!(raced(&store, 8, &none).await, 1);
    assert_eq!(raced(&store, 4, &none).await, 0);
    // It failed again; and then it did not.
    store.observe("fake", rest).await.unwrap();
    tokio::time::sleep(Duration::from_millis(310)).await;
    assert_eq!(raced(&store, 8, &none).await, 1);
    store.observe("fake", Observation::Works).await.unwrap();
    assert_eq!(raced(&store, 3, &none).await, 7);
}

fn at_rate(rate: &str) -> Limits {
    Limits {
        rate: Some(rate.parse().unwrap()),
        ..Limits::default()
    }
}

// Red when claims do not wait for each other, and when what was sent is not written down.
async fn a_rate_is_one_for_all(db: TestDb) {
    let (database, store) = rows::store(&db).await;
    orders(&store, 9).await;
    let slow = Bounds {
        per_provider: vec![("fake".to_owned(), at_rate("60/m"))],
        ..Bounds::default()
    };
    assert_eq!(raced(&store, 8, &slow).await, 1);
    tokio::time::sleep(Duration::from_millis(1_020)).await;
    assert_eq!(raced(&store, 8, &slow).await, 1);
    // Others do not wait for it.
    let mut other = rows::new_task(UserId(Uuid::now_v7()));
    "else".clone_into(&mut other.provider);
    store.create(other.clone()).await.unwrap();
    assert_eq!(raced(&store, 8, &slow).await, 1);
    let row = rows::task(&database, other.id.uuid()).await;
    assert_eq!((row.status.as_str(), row.fence), ("processing", 1));
}

async fn what_others_write_is_kept(db: TestDb) {
    let (_, store) = rows::store(&db).await;
    let mut failing = JoinSet::new();
    for _ in 0..20 {
        let store = store.clone();
        failing.spawn(async move { store.observe("fake", Observation::Fails(None)).await });
    }
    while let Some(observed) = failing.join_next().await {
        observed.unwrap().unwrap();
    }
    let (healths, now) = store.healths().await.unwrap();
    assert_eq!(healths[0].failures, 20);
    let rest = healths[0].cool_until - now;
    assert!((25_000_000..=30_000_000).contains(&rest), "{rest}");
}

fn by(name: &str) -> CreateGenerationRequest {
    let mut order = order("a fox");
    order.image.as_mut().unwrap().provider = name.to_owned();
    order
}

async fn a_rate_makes_wait_and_fails_nothing(db: TestDb) {
    let fake = Arc::new(Scripted::new("fake", 5_000));
    let entries = vec![Entry::ready(fake.clone(), true).limited(at_rate("120/m"))];
    let suite = Suite::start(db, entries, Options::default()).await;
    let user = suite.user();
    let begun = Instant::now();
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(user.create(order("a fox")).await.unwrap().id);
    }
    for id in &made {
        let done = user.finished(id).await;
        assert_eq!((done.status(), done.attempts), (State::Completed, 1));
        let events = user.watch(id, 0).await.unwrap();
        let again = [Type::Retrying, Type::Requeued];
        assert!(events.iter().all(|event| !again.contains(&event.r#type())));
    }
    // Two at once, then one every half second.
    assert!(begun.elapsed() >= Duration::from_millis(1_450));
}

async fn state_of(user: &User) -> provider::State {
    let request = user.request(ListProvidersRequest {});
    let answer = user.client.clone().list_providers(request).await;
    answer.unwrap().into_inner().providers[0].state()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_process_learns_all_know() {
    let db = TestDb::postgres("generation").await;
    let refused = Play::Fail(ErrorClass::Account, None);
    let fake = Arc::new(Scripted::new("fake", 5_000).plays([refused]));
    let suite = Suite::with(db, &fake).await;
    let beside = suite.beside(Options::default()).await;
    let here = suite.user();
    let there = beside.user(&here);
    let made = here.create(order("a fox")).await.unwrap();
    assert_eq!(here.finished(&made.id).await.status(), State::Failed);
    let learnt = async {
        while state_of(&there).await != provider::State::Cooling {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let learnt = tokio::time::timeout(Duration::from_secs(5), learnt);
    learnt.await.unwrap();
    assert_eq!(state_of(&here).await, provider::State::Cooling);
    let waits = there.create(by("fake")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(there.get(&waits.id).await.unwrap().status(), State::Pending);
    assert_eq!(fake.sends(), 1);
}

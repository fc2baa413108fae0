//! Results that are given again: to whom, for what, for how long, and what that costs.

use std::sync::Arc;
use std::time::Duration;

use contracts::generation::v1::batch_service_client::BatchServiceClient;
use contracts::generation::v1::generation::Status as State;
use contracts::generation::v1::{CreateBatchRequest, CreateGenerationRequest, Generation};
use contracts::policy::v1::policy::Meter;
use generation::domain::reuse::Results;
use generation::domain::routing::Entry;
use sea_orm::ConnectionTrait;
use testkit::TestDb;

use crate::support::suite::{Options, User, order};
use crate::support::usage::Held;
use crate::support::{Scripted, Suite, on_both, rows};

on_both!(
    a_seed_that_is_named_brings_the_same_again,
    an_order_says_whether_one_from_before_will_do,
    only_the_same_order_of_the_same_owner_will_do,
    a_file_that_is_gone_is_not_given_again,
    a_result_has_its_time,
    batches_take_what_is_there,
);

fn seeded(prompt: &str, seed: u32) -> CreateGenerationRequest {
    let mut order = order(prompt);
    order.image.as_mut().unwrap().seed = Some(seed);
    order
}

fn willing(cache: bool, order: CreateGenerationRequest) -> CreateGenerationRequest {
    CreateGenerationRequest {
        cache: Some(cache),
        ..order
    }
}

async fn made(user: &User, order: CreateGenerationRequest) -> Generation {
    let made = user.create(order).await.unwrap();
    user.finished(&made.id).await
}

async fn a_seed_that_is_named_brings_the_same_again(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let first = made(&user, seeded("a fox", 7)).await;
    assert!(!first.cached);
    // Done when it is answered.
    let again = user.create(seeded("a fox", 7)).await.unwrap();
    assert_eq!(again.status(), State::Completed);
    assert!(again.cached && again.id != first.id);
    assert_eq!(again.outputs, first.outputs);
    assert_eq!((again.cost_microusd, again.price_microusd), (0, Some(0)));
    assert_eq!(
        (again.progress, again.attempts, provider.sends()),
        (100, 0, 1)
    );
    let id = again.id.parse().unwrap();
    rows::assert_whole_story(&suite.db, id).await;
    // It counts as a generation, and costs nothing.
    let reservation = rows::task(&suite.db, id)
        .await
        .reservation_id
        .unwrap()
        .into();
    for _ in 0..200 {
        if suite.peers.usage.reservations.lock().unwrap()[&reservation] == Held::Settled {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let actuals = suite.peers.usage.actuals(reservation);
    assert_eq!(actuals, [(Meter::Generations, 1), (Meter::Microusd, 0)]);
    let charges = suite.peers.usage.charges.lock().unwrap()[&reservation].clone();
    assert_eq!(charges[0].provider, "cache");
    assert_eq!(user.watch(&again.id, 0).await.unwrap().len(), 2);
}

async fn an_order_says_whether_one_from_before_will_do(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    // Who names no seed wants another picture each time.
    for _ in 0..2 {
        assert!(!made(&user, order("a cat")).await.cached);
    }
    assert_eq!(provider.sends(), 2);
    assert!(!made(&user, willing(true, order("a cat"))).await.cached);
    assert!(made(&user, willing(true, order("a cat"))).await.cached);
    assert_eq!(provider.sends(), 3);
    assert!(!made(&user, seeded("a cat", 7)).await.cached);
    assert!(!made(&user, willing(false, seeded("a cat", 7))).await.cached);
    assert!(made(&user, seeded("a cat", 7)).await.cached);
    assert_eq!(provider.sends(), 5);
}

async fn only_the_same_order_of_the_same_owner_will_do(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let other = Arc::new(Scripted::new("dear", 9_000));
    let entries = vec![Entry::ready(provider, true), Entry::ready(other, true)];
    let suite = Suite::start(db, entries, Options::default()).await;
    let user = suite.user();
    made(&user, seeded("a fox", 7)).await;
    assert!(!made(&suite.user(), seeded("a fox", 7)).await.cached);
    let with = |change: fn(&mut CreateGenerationRequest)| {
        let mut order = seeded("a fox", 7);
        change(&mut order);
        order
    };
    for different in [
        seeded("a wolf", 7),
        seeded("a fox", 8),
        with(|order| order.image.as_mut().unwrap().width = Some(72)),
        with(|order| order.image.as_mut().unwrap().negative_prompt = "snow".to_owned()),
        with(|order| order.image.as_mut().unwrap().provider = "dear".to_owned()),
    ] {
        assert!(!made(&user, different).await.cached);
    }
    // A session is where it is put, not what it is.
    let session = with(|order| order.session_id = uuid::Uuid::now_v7().to_string());
    let again = made(&user, session.clone()).await;
    assert!(again.cached && again.session_id == session.session_id);
}

async fn a_file_that_is_gone_is_not_given_again(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let first = made(&user, seeded("a fox", 7)).await;
    let file = first.outputs[0].file_id.parse().unwrap();
    suite.peers.files.lock().unwrap().remove(&file);
    let next = made(&user, seeded("a fox", 7)).await;
    assert!(!next.cached);
    assert_ne!(next.outputs, first.outputs);
    // The new one is known now.
    assert_eq!(made(&user, seeded("a fox", 7)).await.outputs, next.outputs);
    assert_eq!(provider.sends(), 2);
}

async fn a_result_has_its_time(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    made(&user, seeded("a fox", 7)).await;
    let store = suite.store();
    let hour = Duration::from_hours(1);
    assert_eq!(store.sweep_results(hour, 10).await.unwrap(), 0);
    let an_hour_ago = "UPDATE results SET made_at = made_at - 3600000000";
    let db = suite.db.write();
    db.execute_unprepared(an_hour_ago).await.unwrap();
    assert!(!made(&user, seeded("a fox", 7)).await.cached);
    db.execute_unprepared(an_hour_ago).await.unwrap();
    assert_eq!(store.sweep_results(hour, 10).await.unwrap(), 1);
}

async fn batches_take_what_is_there(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    made(&user, seeded("a fox", 7)).await;
    let all = |requests| CreateBatchRequest {
        requests,
        all_or_nothing: true,
    };
    let client = BatchServiceClient::new(suite.channel());
    let send = async |batch| {
        let answer = client.clone().create_batch(user.request(batch)).await;
        answer.unwrap().into_inner().batch.unwrap()
    };
    let mixed = send(all(vec![seeded("a fox", 7), order("a wolf")])).await;
    assert_eq!((mixed.completed, mixed.running), (1, 1));
    let known = send(all(vec![seeded("a fox", 7); 3])).await;
    assert_eq!((known.completed, known.running), (3, 0));
    assert!(known.ended_at.is_some());
}

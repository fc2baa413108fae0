//! Batches: each order by itself, or all or none; one event when the last has ended.

use std::sync::Arc;
use std::time::Duration;

use contracts::errors::v1::Error as WireError;
use contracts::generation::v1::batch::{Status as State, result::Outcome};
use contracts::generation::v1::batch_service_client::BatchServiceClient;
use contracts::generation::v1::{
    Batch, CreateBatchRequest, CreateGenerationRequest, Generation, GetBatchRequest,
};
use errors::{Fault, Reason};
use futures::future::join_all;
use generation::store::entity::{deliveries, tasks};
use sea_orm::EntityTrait;
use testkit::TestDb;
use uuid::Uuid;

use crate::support::receiver::Receiver;
use crate::support::suite::{Options, User, order};
use crate::support::usage::Held;
use crate::support::webhooks::Desk;
use crate::support::{Scripted, Suite, on_both};

on_both!(
    as_many_are_accepted_as_are_left,
    all_or_nothing_takes_nothing_when_not_all_fit,
    all_or_nothing_holds_where_the_queue_ends,
    every_wrong_field_of_every_order_is_named,
    one_event_tells_that_the_last_has_ended,
    a_batch_of_refused_orders_has_ended,
    a_repeated_batch_is_answered_without_being_done,
    another_users_batch_is_not_found,
);

async fn send(
    suite: &Suite,
    user: &User,
    key: Option<&str>,
    batch: CreateBatchRequest,
) -> Result<(Batch, bool), Fault> {
    let mut request = user.request(batch);
    if let Some(key) = key {
        let key = key.parse().unwrap();
        request.metadata_mut().insert("idempotency-key", key);
    }
    let mut client = BatchServiceClient::new(suite.channel());
    let answer = client.create_batch(request).await;
    let answer = answer.map_err(errors::from_status)?;
    let is_replay = answer.metadata().contains_key("idempotency-replayed");
    Ok((answer.into_inner().batch.unwrap(), is_replay))
}

async fn get(suite: &Suite, user: &User, id: &str) -> Result<Batch, Fault> {
    let request = user.request(GetBatchRequest { id: id.to_owned() });
    let mut client = BatchServiceClient::new(suite.channel());
    let answer = client.get_batch(request).await;
    let answer = answer.map_err(errors::from_status)?;
    Ok(answer.into_inner().batch.unwrap())
}

async fn ended(suite: &Suite, user: &User, id: &str) -> Batch {
    for _ in 0..400 {
        let batch = get(suite, user, id).await.unwrap();
        if batch.status() == State::Ended {
            return batch;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("batch {id} does not end");
}

fn of(requests: Vec<CreateGenerationRequest>) -> CreateBatchRequest {
    CreateBatchRequest {
        requests,
        all_or_nothing: false,
    }
}

fn many(count: usize) -> CreateBatchRequest {
    of((0..count)
        .map(|place| order(&format!("fox {place}")))
        .collect())
}

fn split(batch: &Batch) -> (Vec<&Generation>, Vec<&WireError>) {
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    for result in &batch.results {
        match result.outcome.as_ref().unwrap() {
            Outcome::Generation(one) => accepted.push(one),
            Outcome::Error(error) => refused.push(error),
        }
    }
    (accepted, refused)
}

async fn tasks(suite: &Suite) -> usize {
    let tasks = tasks::Entity::find().all(suite.db.write()).await;
    tasks.unwrap().len()
}

fn held(suite: &Suite, state: Held) -> usize {
    let reservations = suite.peers.usage.reservations.lock().unwrap();
    reservations.values().filter(|held| **held == state).count()
}

async fn as_many_are_accepted_as_are_left(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    *suite.peers.usage.left.lock().unwrap() = Some(5);
    let (batch, _) = send(&suite, &user, None, many(100)).await.unwrap();
    let (accepted, refused) = split(&batch);
    assert_eq!((accepted.len(), refused.len(), batch.refused), (5, 95, 95));
    // The first ones, in their order.
    for (place, result) in batch.results.iter().take(5).enumerate() {
        let Some(Outcome::Generation(one)) = &result.outcome else {
            panic!("order {place} is refused");
        };
        assert_eq!(one.image.as_ref().unwrap().prompt, format!("fox {place}"));
    }
    for error in refused {
        assert_eq!(
            (error.code, error.status.as_str()),
            (429, "RESOURCE_EXHAUSTED")
        );
        assert!(error.details[0].type_url.ends_with("google.rpc.ErrorInfo"));
    }
    let batch = ended(&suite, &user, &batch.id).await;
    assert_eq!((batch.completed, batch.failed, batch.running), (5, 0, 0));
    assert_eq!((provider.sends(), tasks(&suite).await), (5, 5));
}

async fn all_or_nothing_takes_nothing_when_not_all_fit(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    *suite.peers.usage.left.lock().unwrap() = Some(5);
    let whole = |count| CreateBatchRequest {
        all_or_nothing: true,
        ..many(count)
    };
    let fault = send(&suite, &user, None, whole(100)).await.unwrap_err();
    assert_eq!(fault.reason, Reason::QuotaExceeded);
    assert_eq!(fault.metadata["request"], "5");
    assert_eq!((tasks(&suite).await, held(&suite, Held::Released)), (0, 5));
    *suite.peers.usage.left.lock().unwrap() = Some(5);
    let (batch, _) = send(&suite, &user, None, whole(5)).await.unwrap();
    assert_eq!(split(&batch).0.len(), 5);
    assert_eq!(ended(&suite, &user, &batch.id).await.completed, 5);
}

// Batches and single orders of one owner race for seven places in line. Red when an order of a whole batch that
// finds no place is left out, and when those before it stay.
async fn all_or_nothing_holds_where_the_queue_ends(db: TestDb) {
    const PLACES: usize = 7;
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let options = Options {
        workers: 0,
        max_pending: u64::try_from(PLACES).unwrap(),
        ..Options::default()
    };
    let entries = vec![generation::domain::routing::Entry::ready(provider, true)];
    let suite = Suite::start(db, entries, options).await;
    let user = suite.user();
    let whole = CreateBatchRequest {
        all_or_nothing: true,
        ..many(3)
    };
    let batches = (0..5).map(|_| send(&suite, &user, None, whole.clone()));
    let singles = (0..2).map(|_| user.create(order("a wolf")));
    let (batches, singles) = tokio::join!(join_all(batches), join_all(singles));
    let mut accepted = singles.iter().filter(|one| one.is_ok()).count();
    for batch in batches {
        match batch {
            Ok((batch, _)) => {
                assert_eq!((split(&batch).0.len(), batch.refused), (3, 0));
                accepted += 3;
            }
            Err(fault) => {
                assert_eq!(fault.reason, Reason::QueueFull);
                assert!(["0", "1", "2"].contains(&fault.metadata["request"].as_str()));
            }
        }
    }
    // Nobody is left without a place for which there would have been one.
    assert!((5..=PLACES).contains(&accepted), "{accepted}");
    assert_eq!(tasks(&suite).await, accepted);
    let all = suite.peers.usage.reservations.lock().unwrap().len();
    for _ in 0..200 {
        if held(&suite, Held::Released) == all - accepted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{:?}", suite.peers.usage.calls.lock());
}

async fn every_wrong_field_of_every_order_is_named(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    for count in [0, 101] {
        let fault = send(&suite, &user, None, many(count)).await.unwrap_err();
        assert_eq!(fault.message, "requests must have 1 to 100 items");
    }
    let orders = vec![order("a fox"), order(""), order("\u{0}"), order("a wolf")];
    let mut batch = of(orders);
    let (made, _) = send(&suite, &user, None, batch.clone()).await.unwrap();
    let (accepted, refused) = split(&made);
    assert_eq!((accepted.len(), refused.len()), (2, 2));
    assert_eq!(refused[0].code, 400);
    assert!(refused[0].message.starts_with("image.prompt "));

    batch.all_or_nothing = true;
    let before = suite.peers.usage.calls.lock().unwrap().len();
    let asked = |calls: &[(&str, _)]| calls.iter().filter(|one| one.0 == "reserve").count();
    let first = asked(&suite.peers.usage.calls.lock().unwrap()[..before]);
    let fault = send(&suite, &user, None, batch).await.unwrap_err();
    let fields: Vec<&str> = (fault.violations.iter())
        .map(|one| one.field.as_str())
        .collect();
    assert_eq!(
        fields,
        ["requests[1].image.prompt", "requests[2].image.prompt"]
    );
    // Nothing was set aside for it.
    assert_eq!(asked(&suite.peers.usage.calls.lock().unwrap()), first);
}

async fn one_event_tells_that_the_last_has_ended(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let options = Options {
        workers: 8,
        ..Options::default()
    };
    let entries = vec![generation::domain::routing::Entry::ready(provider, true)];
    let suite = Suite::start(db, entries, options).await;
    let user = suite.user();
    let receiver = Receiver::answering([]).await;
    let desk = Desk::of(&suite, suite.user_again(user.id));
    desk.create(&receiver.url, &["batch.completed"])
        .await
        .unwrap();
    let (batch, _) = send(&suite, &user, None, many(20)).await.unwrap();
    // Some end while others are cancelled.
    let (accepted, _) = split(&batch);
    let cancelled = accepted
        .iter()
        .rev()
        .take(5)
        .map(|one| user.cancel(&one.id));
    let cancelled = join_all(cancelled).await;
    let cancelled = cancelled.iter().filter(|one| one.is_ok()).count();
    let batch = ended(&suite, &user, &batch.id).await;
    assert_eq!(batch.failed, i32::try_from(cancelled).unwrap());
    assert_eq!(batch.completed + batch.failed, 20);
    assert!(batch.ended_at.is_some());
    let told = receiver.events(1).await[0].json();
    assert_eq!(told["type"], "batch.completed");
    assert_eq!(told["data"]["id"], batch.id.as_str());
    assert_eq!(told["data"]["cancelled"], cancelled);
    assert_eq!(told["data"]["completed"], batch.completed);
    let rows = deliveries::Entity::find().all(suite.db.write()).await;
    assert_eq!(rows.unwrap().len(), 1);
}

async fn a_batch_of_refused_orders_has_ended(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let (batch, _) = send(&suite, &user, None, of(vec![order(""); 3]))
        .await
        .unwrap();
    assert_eq!((batch.status(), batch.refused), (State::Ended, 3));
    assert_eq!(get(&suite, &user, &batch.id).await.unwrap(), batch);
    assert_eq!(tasks(&suite).await, 0);
}

async fn a_repeated_batch_is_answered_without_being_done(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let sends = (0..10).map(|_| send(&suite, &user, Some("k"), many(10)));
    let answers = join_all(sends).await;
    let mut ids = Vec::new();
    for answer in answers {
        match answer {
            Ok((batch, _)) => ids.push(batch.id),
            Err(fault) => assert_eq!(fault.reason, Reason::IdempotencyInFlight),
        }
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    let whole = ended(&suite, &user, &ids[0]).await;
    let again = send(&suite, &user, Some("k"), many(10)).await.unwrap();
    assert_eq!(again, (whole, true));
    assert_eq!((provider.sends(), tasks(&suite).await), (10, 10));
    let fault = send(&suite, &user, Some("k"), many(9)).await.unwrap_err();
    assert_eq!(fault.reason, Reason::IdempotencyMismatch);
    // A key names calls of one rpc.
    let mut request = user.request(order("fox 0"));
    let key = "k".parse().unwrap();
    request.metadata_mut().insert("idempotency-key", key);
    let answer = user.client.clone().create_generation(request).await;
    let fault = errors::from_status(answer.unwrap_err());
    assert_eq!(fault.reason, Reason::IdempotencyMismatch);
}

async fn another_users_batch_is_not_found(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let (user, other) = (suite.user(), suite.user());
    let (batch, _) = send(&suite, &user, None, many(1)).await.unwrap();
    let unknown = Uuid::now_v7().to_string();
    for (who, id) in [(&other, &batch.id), (&user, &unknown)] {
        let fault = get(&suite, who, id).await.unwrap_err();
        assert_eq!(
            (fault.reason, fault.message.as_str()),
            (Reason::NotFound, "no such batch")
        );
    }
}

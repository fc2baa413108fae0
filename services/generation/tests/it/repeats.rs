//! Calls that are made again under their key: one is done, whoever races, and dies, and comes later.

use std::sync::Arc;
use std::time::Duration;

use contracts::generation::v1::{CreateGenerationRequest, Generation};
use errors::{Fault, Reason};
use futures::future::join_all;
use generation::domain::error::{Error, KeyRefusal};
use generation::domain::ports::{Keys, Tasks};
use generation::domain::repeats::NewKey;
use generation::domain::routing::Entry;
use generation::store::entity::tasks;
use sea_orm::EntityTrait;
use testkit::TestDb;
use tonic::{Request, Status};
use types::{Clock, SystemClock, Timestamp, UserId};
use uuid::Uuid;

use crate::support::suite::{Options, User, order, sealed};
use crate::support::usage::Held;
use crate::support::{Play, Scripted, Suite, on_both, rows};

on_both!(
    of_fifty_at_once_one_is_done,
    a_call_under_way_is_waited_for,
    a_repeated_order_is_answered_without_being_done,
    a_key_names_one_order_of_one_owner,
    a_call_that_failed_may_be_repeated,
    who_comes_second_gives_back_what_was_set_aside,
    the_key_and_the_task_are_one,
    a_key_has_its_time,
    a_key_that_is_none_is_named,
);

fn keyed<T>(user: &User, key: &str, message: T) -> Request<T> {
    let mut request = user.request(message);
    let key = key.parse().unwrap();
    request.metadata_mut().insert("idempotency-key", key);
    request
}

/// The generation, and whether it was answered before.
async fn send(
    user: &User,
    request: Request<CreateGenerationRequest>,
) -> Result<(Generation, bool), Status> {
    let answer = user.client.clone().create_generation(request).await?;
    let mark = answer.metadata().get("idempotency-replayed").cloned();
    assert!(mark.as_ref().is_none_or(|mark| mark == "true"));
    Ok((answer.into_inner().generation.unwrap(), mark.is_some()))
}

async fn place(user: &User, key: &str, prompt: &str) -> Result<(Generation, bool), Fault> {
    let request = keyed(user, key, order(prompt));
    send(user, request).await.map_err(errors::from_status)
}

async fn how_many(suite: &Suite) -> usize {
    let tasks = tasks::Entity::find().all(suite.db.write()).await;
    tasks.unwrap().len()
}

fn settled(suite: &Suite) -> usize {
    let reservations = suite.peers.usage.reservations.lock().unwrap();
    let settled = reservations.values().filter(|held| **held == Held::Settled);
    settled.count()
}

async fn of_fifty_at_once_one_is_done(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let answers = join_all((0..50).map(|_| place(&user, "once", "a fox"))).await;
    let mut ids = Vec::new();
    let mut first = 0;
    for answer in answers {
        match answer {
            Ok((generation, is_replay)) => {
                first += usize::from(!is_replay);
                ids.push(generation.id);
            }
            Err(fault) => {
                assert_eq!(fault.reason, Reason::IdempotencyInFlight);
                assert_eq!(fault.retry_after, Some(Duration::from_secs(1)));
            }
        }
    }
    assert_eq!(first, 1);
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    user.finished(&ids[0]).await;
    assert_eq!(how_many(&suite).await, 1);
    assert_eq!(provider.sends(), 1);
    let (again, is_replay) = place(&user, "once", "a fox").await.unwrap();
    assert!(is_replay && again.id == ids[0]);
}

// Only an answer, if there is one.
async fn peek(user: &User, key: &str) -> Result<(Generation, bool), Fault> {
    let mut request = keyed(user, key, order("a fox"));
    let only = "true".parse().unwrap();
    request.metadata_mut().insert("x-bottega-replay-only", only);
    send(user, request).await.map_err(errors::from_status)
}

// Red when nobody in the process knows of a call that is under way: then each sets money aside, and waits.
async fn a_call_under_way_is_waited_for(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let first = suite.user_again(user.id);
    let shut = suite.peers.usage.gate.write().await;
    let first = tokio::spawn(async move { place(&first, "k", "a fox").await });
    let is_known = async {
        while peek(&user, "k").await.unwrap_err().reason == Reason::NotFound {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let limit = Duration::from_secs(5);
    tokio::time::timeout(limit, is_known).await.unwrap();
    for _ in 0..3 {
        let again = tokio::time::timeout(limit, place(&user, "k", "a fox")).await;
        let fault = again.unwrap().unwrap_err();
        assert_eq!(fault.reason, Reason::IdempotencyInFlight);
        assert_eq!(fault.retry_after, Some(Duration::from_secs(1)));
    }
    // Another key does not wait for it, nor does another owner's.
    let stranger = suite.user();
    assert_eq!(peek(&user, "l").await.unwrap_err().reason, Reason::NotFound);
    assert_eq!(
        peek(&stranger, "k").await.unwrap_err().reason,
        Reason::NotFound
    );
    drop(shut);
    let (made, is_replay) = first.await.unwrap().unwrap();
    assert!(!is_replay);
    let (again, is_replay) = place(&user, "k", "a fox").await.unwrap();
    assert!(is_replay && again.id == made.id);
    let calls = suite.peers.usage.calls.lock().unwrap().clone();
    let reserved = calls.iter().filter(|(call, _)| *call == "reserve");
    assert_eq!(reserved.count(), 1);
}

async fn a_repeated_order_is_answered_without_being_done(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let (first, is_replay) = place(&user, "k", "a fox").await.unwrap();
    assert!(!is_replay);
    let whole = user.finished(&first.id).await;
    // Nothing is left: the first answer is given all the same.
    let refusal = || Fault::new(Reason::QuotaExceeded, "5 of 5 generations are used");
    *suite.peers.usage.refusal.lock().unwrap() = Some(refusal);
    let asked = suite.peers.usage.calls.lock().unwrap().len();
    let (again, is_replay) = place(&user, "k", "a fox").await.unwrap();
    assert!(is_replay);
    assert_eq!(again, whole, "as it stands now");
    assert_eq!(provider.sends(), 1);
    assert_eq!(
        place(&user, "other", "a fox").await.unwrap_err().reason,
        Reason::QuotaExceeded
    );
    // What brings its own reservation leaves it to who set it aside.
    let reservation = suite.peers.usage.set_aside();
    let mut request = keyed(&user, "k", order("a fox"));
    let receipt = sealed(&user.receipt(reservation)).parse().unwrap();
    let metadata = request.metadata_mut();
    metadata.insert(identity::receipt::METADATA, receipt);
    assert!(send(&user, request).await.unwrap().1);
    let calls = suite.peers.usage.calls.lock().unwrap().clone();
    let about = calls[asked.min(calls.len())..].iter();
    assert!(
        about.clone().all(|(call, _)| *call == "settle"),
        "{calls:?}"
    );
    assert_eq!(how_many(&suite).await, 1);
}

async fn a_key_names_one_order_of_one_owner(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let (user, other) = (suite.user(), suite.user());
    let (mine, _) = place(&user, "k", "a fox").await.unwrap();
    let fault = place(&user, "k", "a wolf").await.unwrap_err();
    assert_eq!(fault.reason, Reason::IdempotencyMismatch);
    let (theirs, is_replay) = place(&other, "k", "a fox").await.unwrap();
    assert!(!is_replay && theirs.id != mine.id);
    // Only asked for an answer, nothing is done.
    for (key, expected) in [("k", None), ("new", Some(Reason::NotFound))] {
        let answer = peek(&user, key).await;
        assert_eq!(answer.err().map(|fault| fault.reason), expected);
    }
    assert_eq!(how_many(&suite).await, 2);
}

async fn a_call_that_failed_may_be_repeated(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let refusal = || Fault::new(Reason::BudgetExceeded, "your budget gives $5 a month");
    *suite.peers.usage.refusal.lock().unwrap() = Some(refusal);
    for _ in 0..2 {
        let fault = place(&user, "k", "a fox").await.unwrap_err();
        assert_eq!(fault.reason, Reason::BudgetExceeded);
    }
    let fault = place(&user, "k", "").await.unwrap_err();
    assert_eq!(fault.reason, Reason::InvalidField);
    *suite.peers.usage.refusal.lock().unwrap() = None;
    assert!(!place(&user, "k", "a fox").await.unwrap().1);
}

/// Two processes over one database: neither sees what the other has under way.
async fn who_comes_second_gives_back_what_was_set_aside(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let mut suite = Suite::with(db, &provider).await;
    let user = suite.user();
    suite.start_beside(Options::default()).await;
    let second = suite.user_again(user.id);
    let mut ids = Vec::new();
    for round in 0..10 {
        let key = format!("round-{round}");
        let (one, two) = tokio::join!(place(&user, &key, "a fox"), place(&second, &key, "a fox"));
        let ((one, again_one), (two, again_two)) = (one.unwrap(), two.unwrap());
        assert_eq!(one.id, two.id);
        assert!(again_one != again_two, "one is the first");
        ids.push(one.id);
    }
    for id in &ids {
        user.finished(id).await;
    }
    assert_eq!(how_many(&suite).await, 10);
    assert_eq!(provider.sends(), 10);
    for _ in 0..200 {
        if settled(&suite) == 10 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    // What the others set aside for nothing was given back.
    let reservations = suite.peers.usage.reservations.lock().unwrap().clone();
    let count = |held: Held| reservations.values().filter(|one| **one == held).count();
    assert_eq!(count(Held::Settled), 10);
    assert_eq!(count(Held::Released), reservations.len() - 10);
}

async fn the_key_and_the_task_are_one(db: TestDb) {
    let (_, store) = rows::store(&db).await;
    let owner = UserId(Uuid::now_v7());
    let expires_at = SystemClock.now().plus(Duration::from_secs(60));
    let named = |expires_at| {
        let mut task = rows::new_task(owner);
        task.key = Some(NewKey {
            key: "k".parse().unwrap(),
            request: [7; 32],
            subject: task.id.uuid(),
            expires_at,
        });
        task
    };
    // A task that cannot be stored leaves no key behind.
    let mut late = named(expires_at);
    late.hold.expires_at = Timestamp(1);
    let stored = store.create(late).await;
    assert!(matches!(stored, Err(Error::ReservationExpired)));
    let key = "k".parse().unwrap();
    assert_eq!(store.find_key(owner, &key).await.unwrap(), None);
    // And a key that is taken, no task.
    let first = named(expires_at);
    store.create(first.clone()).await.unwrap();
    let second = named(expires_at);
    let stored = store.create(second.clone()).await;
    assert!(matches!(stored, Err(Error::Key(KeyRefusal::UnderWay))));
    let found = store.find(owner, second.id).await;
    assert!(matches!(found, Err(Error::NotFound)));
    let kept = store.find_key(owner, &key).await.unwrap().unwrap();
    assert_eq!((kept.subject, kept.request), (first.id.uuid(), vec![7; 32]));
}

async fn a_key_has_its_time(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000).plays([Play::Hang]));
    let options = Options {
        keys_kept_for: Duration::from_millis(1),
        ..Options::default()
    };
    let entries = vec![Entry::ready(provider.clone(), true)];
    let suite = Suite::start(db, entries, options).await;
    let user = suite.user();
    let (first, _) = place(&user, "k", "a fox").await.unwrap();
    let has_left = |one: &Generation| one.attempts == 1;
    user.until(&first.id, has_left).await;
    // Its time is over, but what it names is not.
    assert_eq!(suite.store().sweep_keys(10).await.unwrap(), 0);
    let (again, is_replay) = place(&user, "k", "a fox").await.unwrap();
    assert!(is_replay && again.id == first.id);
    user.cancel(&first.id).await.unwrap();
    let (next, is_replay) = place(&user, "k", "another fox").await.unwrap();
    assert!(!is_replay && next.id != first.id);
    user.finished(&next.id).await;
    assert_eq!(suite.store().sweep_keys(10).await.unwrap(), 1);
    assert_eq!(suite.store().sweep_keys(10).await.unwrap(), 0);
}

async fn a_key_that_is_none_is_named(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let long = "k".repeat(256);
    for key in ["", "two words", &long] {
        let fault = place(&user, key, "a fox").await.unwrap_err();
        assert_eq!(fault.reason, Reason::InvalidField);
        assert_eq!(fault.violations[0].field, "idempotency-key");
    }
    let mut request = keyed(&user, "a", order("a fox"));
    let other = "b".parse().unwrap();
    request.metadata_mut().append("idempotency-key", other);
    let fault = errors::from_status(send(&user, request).await.unwrap_err());
    assert_eq!(fault.violations[0].description, "must be sent once");
    assert_eq!(how_many(&suite).await, 0);
}

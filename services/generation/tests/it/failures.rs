//! What providers do wrong, and what becomes of the task and its reservation.

use std::sync::Arc;
use std::time::Duration;

use contracts::generation::v1::generation::Status as State;
use contracts::generation::v1::generation_event::Type;
use contracts::generation::v1::{ListProvidersRequest, provider};
use generation::domain::provider::ErrorClass;
use testkit::TestDb;

use crate::support::suite::{Options, User, order};
use crate::support::usage::Held;
use crate::support::{Play, Scripted, Suite, on_both, rows};

on_both!(
    a_failing_provider_is_asked_again,
    and_given_up_after_three,
    final_failures_are_sent_once,
    silence_is_never_sent_again,
    a_job_is_polled_until_it_is_done,
    a_file_service_that_is_away_costs_no_result,
    our_own_fault_ends_one_task_only,
);

async fn resolved(suite: &Suite) -> Vec<Held> {
    for _ in 0..400 {
        let held: Vec<Held> = {
            let reservations = suite.peers.usage.reservations.lock().unwrap();
            reservations.values().copied().collect()
        };
        if held
            .iter()
            .all(|one| matches!(one, Held::Settled | Held::Released | Held::Suspended))
        {
            return held;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!(
        "a reservation stays open: {:?}",
        suite.peers.usage.calls.lock()
    );
}

async fn a_failing_provider_is_asked_again(db: TestDb) {
    let away = Play::Fail(ErrorClass::Unavailable, None);
    let limited = Play::Fail(ErrorClass::RateLimited, Some(Duration::from_millis(300)));
    let provider = Arc::new(Scripted::new("fake", 5_000).plays([away, limited]));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let begun = std::time::Instant::now();
    let made = user.create(order("a fox")).await.unwrap();
    let done = user.finished(&made.id).await;
    assert_eq!(done.status(), State::Completed);
    assert_eq!((done.attempts, provider.sends()), (3, 3));
    assert!(begun.elapsed() >= Duration::from_millis(340));
    let events = user.watch(&made.id, 0).await.unwrap();
    let kinds: Vec<Type> = events.iter().map(|event| event.r#type()).collect();
    let turn = [Type::Started, Type::Generating];
    let expected = [
        &[Type::Queued][..],
        &turn,
        &[Type::Retrying],
        &turn,
        &[Type::Retrying],
        &turn,
        &[Type::Storing, Type::Completed],
    ];
    assert_eq!(kinds, expected.concat());
    let attempts = rows::attempts_of(&suite.db, made.id.parse().unwrap()).await;
    let states: Vec<&str> = attempts.iter().map(|one| one.state.as_str()).collect();
    assert_eq!(states, ["failed", "failed", "succeeded"]);
    // Every order carries the same mark: the task's.
    let orders = provider.orders.lock().unwrap();
    assert!(orders.iter().all(|order| order.client_ref == made.id));
}

async fn and_given_up_after_three(db: TestDb) {
    let away = Play::Fail(ErrorClass::Unavailable, None);
    let provider = Arc::new(Scripted::new("fake", 5_000).plays(vec![away; 9]));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let made = user.create(order("a fox")).await.unwrap();
    let done = user.finished(&made.id).await;
    assert_eq!(done.status(), State::Failed);
    assert_eq!(done.error.unwrap().reason, "PROVIDER_FAILED");
    assert_eq!((done.attempts, provider.sends()), (3, 3));
    assert_eq!(resolved(&suite).await, [Held::Released]);
}

async fn final_failures_are_sent_once(db: TestDb) {
    let cases = [
        (Play::Fail(ErrorClass::Invalid, None), "PROVIDER_REJECTED"),
        (Play::Fail(ErrorClass::Policy, None), "CONTENT_POLICY"),
        (
            Play::Send(b"<html>busy</html>".to_vec()),
            "PROVIDER_INVALID_OUTPUT",
        ),
        (Play::Send(Vec::new()), "PROVIDER_INVALID_OUTPUT"),
        (Play::Fail(ErrorClass::Account, None), "PROVIDER_ACCOUNT"),
    ];
    let plays = cases.iter().map(|(play, _)| play.clone());
    let fake = Arc::new(Scripted::new("fake", 5_000).plays(plays));
    let suite = Suite::with(db, &fake).await;
    let user = suite.user();
    for (place, (_, reason)) in cases.iter().enumerate() {
        assert_eq!(
            state_of_the_provider(&user).await,
            (provider::State::Available, false)
        );
        let made = user.create(order("a fox")).await.unwrap();
        let done = user.finished(&made.id).await;
        assert_eq!(done.status(), State::Failed);
        let error = done.error.unwrap();
        assert_eq!(error.reason, *reason);
        assert!(!error.message.contains("own words"));
        assert_eq!((done.cost_microusd, fake.sends()), (0, place + 1));
    }
    // What is no picture may have been work, and billed.
    let held = resolved(&suite).await;
    let suspended = held.iter().filter(|one| **one == Held::Suspended);
    assert_eq!((held.len(), suspended.count()), (5, 2));
    // Without credit nothing more is sent there; an order still waits for it.
    assert_eq!(
        state_of_the_provider(&user).await,
        (provider::State::Cooling, true)
    );
    let waiting = user.create(order("a fox")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(
        user.get(&waiting.id).await.unwrap().status(),
        State::Pending
    );
    assert_eq!(fake.sends(), cases.len());
}

async fn state_of_the_provider(user: &User) -> (provider::State, bool) {
    let request = user.request(ListProvidersRequest {});
    let listed = user.client.clone().list_providers(request).await.unwrap();
    let listed = &listed.get_ref().providers[0];
    (listed.state(), listed.available_at.is_some())
}

async fn silence_is_never_sent_again(db: TestDb) {
    let provider = Arc::new(
        Scripted::new("fake", 5_000)
            .within(Duration::from_millis(200))
            .plays([Play::Hang, Play::Fail(ErrorClass::Ambiguous, None)]),
    );
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    for sends in 1..=2 {
        let made = user.create(order("a fox")).await.unwrap();
        let done = user.finished(&made.id).await;
        assert_eq!(done.error.unwrap().reason, "PROVIDER_OUTCOME_UNKNOWN");
        assert_eq!(provider.sends(), sends);
        let attempts = rows::attempts_of(&suite.db, made.id.parse().unwrap()).await;
        assert_eq!(attempts[0].state, "unknown");
    }
    assert_eq!(resolved(&suite).await, [Held::Suspended, Held::Suspended]);
}

async fn a_job_is_polled_until_it_is_done(db: TestDb) {
    let provider = Arc::new(
        Scripted::new("fake", 5_000)
            .plays([Play::Accept("job-1")])
            .polled([Play::Fail(ErrorClass::Unavailable, None), Play::Busy(60)]),
    );
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let made = user.create(order("a fox")).await.unwrap();
    let done = user.finished(&made.id).await;
    assert_eq!(done.status(), State::Completed);
    assert_eq!((done.attempts, provider.sends()), (1, 1));
    // What the provider quoted counts, not the price.
    assert_eq!(done.cost_microusd, 7_000);
    let asked = provider.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|job| job.id == "job-1"));
    let events = user.watch(&made.id, 0).await.unwrap();
    let progress: Vec<i32> = events.iter().map(|event| event.progress).collect();
    assert_eq!(progress, [0, 0, 10, 20, 50, 90, 100]);
}

async fn a_file_service_that_is_away_costs_no_result(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    suite
        .peers
        .file_away
        .store(2, std::sync::atomic::Ordering::SeqCst);
    let user = suite.user();
    let made = user.create(order("a fox")).await.unwrap();
    assert_eq!(user.finished(&made.id).await.status(), State::Completed);
    assert_eq!(provider.sends(), 1);
    assert_eq!(suite.peers.files.lock().unwrap().len(), 1);
}

async fn our_own_fault_ends_one_task_only(db: TestDb) {
    let fake = Arc::new(Scripted::new("fake", 5_000).plays([Play::Panic]));
    let entry = generation::domain::routing::Entry::ready(fake.clone(), true);
    let options = Options {
        workers: 1,
        ..Options::default()
    };
    let suite = Suite::start(db, vec![entry], options).await;
    let user = suite.user();
    let broken = user.create(order("a fox")).await.unwrap();
    let done = user.finished(&broken.id).await;
    // It broke while the order was under way, so nobody knows.
    assert_eq!(done.error.unwrap().reason, "PROVIDER_OUTCOME_UNKNOWN");
    let next = user.create(order("a fox")).await.unwrap();
    assert_eq!(user.finished(&next.id).await.status(), State::Completed);
}

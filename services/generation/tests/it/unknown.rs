//! What earlier attempts cost is charged with the rest, paid orders wait while spending is paused, and
//! operators end what nobody knows the outcome of, once.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use contracts::generation::v1::generation::Status as State;
use contracts::generation::v1::generation_admin_service_client::GenerationAdminServiceClient;
use contracts::generation::v1::{
    ListUnknownAttemptsRequest, ResolveAttemptRequest, UnknownAttempt,
};
use errors::Reason;
use generation::domain::provider::{ErrorClass, Spent};
use testkit::TestDb;
use tonic::{Code, Status};
use types::Microusd;

use crate::money::{reservation_of, resolved};
use crate::support::suite::order;
use crate::support::usage::Held;
use crate::support::{Play, Scripted, Suite, on_both, rows};

on_both!(
    earlier_bills_are_charged_too,
    no_paid_order_leaves_while_spending_is_paused,
    nothing_leaves_for_a_reservation_that_is_gone,
    an_operator_ends_what_nobody_knows,
    verdicts_are_read_strictly,
);

pub async fn unknown(suite: &Suite) -> Vec<UnknownAttempt> {
    let request = suite.as_admin(ListUnknownAttemptsRequest::default());
    let mut client = GenerationAdminServiceClient::new(suite.channel());
    let answer = client.list_unknown_attempts(request).await.unwrap();
    answer.into_inner().attempts
}

pub async fn resolve(suite: &Suite, id: &str, cost: Option<i64>) -> Result<UnknownAttempt, Status> {
    let request = suite.as_admin(ResolveAttemptRequest {
        generation_id: id.to_owned(),
        cost_microusd: cost,
        note: "line 7 of their bill".to_owned(),
    });
    let mut client = GenerationAdminServiceClient::new(suite.channel());
    let answer = client.resolve_attempt(request).await?;
    Ok(answer.into_inner().attempt.unwrap())
}

fn charges(suite: &Suite, id: &str) -> Vec<(i64, i64, i64)> {
    let charges = suite.peers.usage.charges.lock().unwrap();
    let of_this = charges[&id.parse().unwrap()].iter();
    of_this
        .map(|one| (one.attempt, one.generations, one.microusd))
        .collect()
}

fn billed(class: ErrorClass, cost: i64) -> Play {
    Play::FailFor(class, Spent::money(Microusd(cost)))
}

async fn earlier_bills_are_charged_too(db: TestDb) {
    let plays = [
        billed(ErrorClass::Unavailable, 300),
        Play::Fail(ErrorClass::Unavailable, None),
        Play::Paint,
        billed(ErrorClass::Unavailable, 300),
        billed(ErrorClass::Policy, 20),
    ];
    let provider = Arc::new(Scripted::new("fake", 5_000).plays(plays));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    for (status, told) in [
        (State::Completed, vec![(1, 0, 300), (3, 1, 5_000)]),
        (State::Failed, vec![(1, 0, 300), (2, 0, 20)]),
    ] {
        let made = user.create(order("a fox")).await.unwrap();
        let done = user.finished(&made.id).await;
        assert_eq!(done.status(), status);
        let sum: i64 = told.iter().map(|(_, _, cost)| cost).sum();
        assert_eq!(done.cost_microusd, sum);
        assert_eq!(resolved(&suite, reservation_of(&made)).await, Held::Settled);
        assert_eq!(charges(&suite, &made.id), told);
    }
}

async fn no_paid_order_leaves_while_spending_is_paused(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    suite.peers.usage.is_paused.store(true, Ordering::SeqCst);
    let made = user.create(order("a fox")).await.unwrap();
    let id = made.id.parse().unwrap();
    for _ in 0..400 {
        let waits = rows::events_of(&suite.db, id).await;
        if waits.iter().any(|event| event.message.contains("paused")) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let waiting = user
        .until(&made.id, |one| one.status() == State::Pending)
        .await;
    assert_eq!((waiting.attempts, provider.sends()), (0, 0));
    assert!(rows::attempts_of(&suite.db, id).await.is_empty());
    let held = suite.peers.usage.reservations.lock().unwrap()[&reservation_of(&made)];
    assert!(matches!(held, Held::Open | Held::Confirmed), "{held:?}");
    suite.peers.usage.is_paused.store(false, Ordering::SeqCst);
    assert_eq!(user.finished(&made.id).await.status(), State::Completed);
    assert_eq!(provider.sends(), 1);
    rows::assert_whole_story(&suite.db, id).await;
}

async fn nothing_leaves_for_a_reservation_that_is_gone(db: TestDb) {
    let away = Play::Fail(ErrorClass::Unavailable, Some(Duration::from_millis(500)));
    let provider = Arc::new(Scripted::new("fake", 5_000).plays([away]));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let made = user.create(order("a fox")).await.unwrap();
    while provider.sends() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let reservation = reservation_of(&made);
    let mut reservations = suite.peers.usage.reservations.lock().unwrap().clone();
    reservations.insert(reservation, Held::Released);
    *suite.peers.usage.reservations.lock().unwrap() = reservations;
    let done = user.finished(&made.id).await;
    assert_eq!(done.error.unwrap().reason, "RESERVATION_LOST");
    assert_eq!(provider.sends(), 1);
}

async fn an_operator_ends_what_nobody_knows(db: TestDb) {
    let silent = || Play::Fail(ErrorClass::Ambiguous, None);
    let plays = [
        billed(ErrorClass::Unavailable, 300),
        silent(),
        Play::Send(b"no picture".to_vec()),
        Play::Paint,
    ];
    let provider = Arc::new(Scripted::new("fake", 5_000).plays(plays));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let mut made = Vec::new();
    for _ in 0..3 {
        let one = user.create(order("a fox")).await.unwrap();
        user.finished(&one.id).await;
        made.push(one);
    }
    let [paid, free, whole] = [&made[0], &made[1], &made[2]];
    for one in [paid, free] {
        assert_eq!(resolved(&suite, reservation_of(one)).await, Held::Suspended);
    }
    let found = unknown(&suite).await;
    let ids: Vec<&str> = found.iter().map(|one| one.generation_id.as_str()).collect();
    assert_eq!(ids, [free.id.as_str(), paid.id.as_str()]);
    assert_eq!((found[1].attempt, found[1].held_microusd), (2, 5_000));
    assert_eq!(found[1].error_class, "ambiguous");
    assert!(found[1].sent_at.is_some() && found[1].unknown_since.is_some());

    // What it cost, and what the attempt before it cost, is charged now; once.
    for _ in 0..2 {
        let ended = resolve(&suite, &paid.id, Some(4_000)).await.unwrap();
        assert_eq!((ended.cost_microusd, ended.attempt), (Some(4_000), 2));
        assert_eq!(ended.note, "line 7 of their bill");
        resolve(&suite, &free.id, Some(0)).await.unwrap();
    }
    for (one, end) in [(paid, Held::Settled), (free, Held::Released)] {
        for _ in 0..400 {
            if suite.peers.usage.reservations.lock().unwrap()[&reservation_of(one)] == end {
                break;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        let held = suite.peers.usage.reservations.lock().unwrap()[&reservation_of(one)];
        assert_eq!(held, end);
    }
    assert_eq!(charges(&suite, &paid.id), [(1, 0, 300), (2, 0, 4_000)]);
    assert_eq!(user.get(&paid.id).await.unwrap().cost_microusd, 4_300);
    assert!(unknown(&suite).await.is_empty());
    let calls = suite.peers.usage.calls.lock().unwrap().clone();
    let settles = (calls.iter()).filter(|call| **call == ("settle", reservation_of(paid)));
    assert_eq!(settles.count(), 1);
    // What is known is known.
    for (one, cost) in [(paid, 4_001), (free, 1)] {
        let refused = resolve(&suite, &one.id, Some(cost)).await.unwrap_err();
        assert_eq!(errors::from_status(refused).reason, Reason::WrongState);
    }
    let refused = resolve(&suite, &whole.id, Some(1)).await.unwrap_err();
    assert_eq!(errors::from_status(refused).reason, Reason::NotFound);
}

async fn verdicts_are_read_strictly(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let id = uuid::Uuid::now_v7().to_string();
    for (id, cost, field) in [
        ("7", Some(1), "generationId"),
        (id.as_str(), None, "costMicrousd"),
        (&id, Some(-1), "costMicrousd"),
        (&id, Some(i64::MAX), "costMicrousd"),
    ] {
        let refused = resolve(&suite, id, cost).await.unwrap_err();
        assert_eq!(errors::from_status(refused).violations[0].field, field);
    }
    // Only operators.
    let request = suite.user().request(ListUnknownAttemptsRequest::default());
    let mut client = GenerationAdminServiceClient::new(suite.channel());
    let refused = client.list_unknown_attempts(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

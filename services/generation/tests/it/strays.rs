//! What nobody waits for any more is stopped, and what it really cost is settled: once, and by no guess.

use std::sync::Arc;
use std::time::Duration;

use contracts::generation::v1::Generation;
use contracts::generation::v1::generation::Status as State;
use contracts::policy::v1::policy::Meter::{Generations, Microusd as Money};
use generation::domain::provider::{ErrorClass, Spent, Stopped};
use testkit::TestDb;
use types::{Microusd, ReservationId};

use crate::money::{reservation_of, resolved};
use crate::support::suite::{User, order};
use crate::support::usage::Held;
use crate::support::{Play, Scripted, Suite, on_both, rows};
use crate::unknown::{resolve, unknown};

on_both!(
    what_was_not_begun_is_free,
    what_was_begun_costs_what_is_said,
    an_order_on_its_way_is_stopped_when_it_arrives,
    an_order_that_did_not_arrive_is_free,
    what_is_not_said_stays_in_suspense,
    an_operator_may_be_quicker,
    what_outlasted_its_time_is_stopped,
);

const FREE: Stopped = Stopped::Over(Spent::money(Microusd(0)));
const PRICE: Stopped = Stopped::Over(Spent {
    cost: None,
    tokens: None,
});

// Takes orders as jobs that are never done, and stops them like this.
fn stoppable(answers: impl IntoIterator<Item = Result<Stopped, ErrorClass>>) -> Scripted {
    Scripted::new("fake", 5_000)
        .plays(vec![Play::Accept("job"); 9])
        .polled(vec![Play::Hang; 9])
        .stopped_by(answers)
}

async fn cancelled(user: &User) -> Generation {
    let made = user.create(order("a fox")).await.unwrap();
    user.until(&made.id, |one| one.progress == 20).await;
    let cancelled = user.cancel(&made.id).await.unwrap();
    assert_eq!(cancelled.status(), State::Cancelled);
    cancelled
}

// How the reservation ends once its suspense, if it comes to one, is over.
pub async fn settled(suite: &Suite, reservation: ReservationId) -> Held {
    for _ in 0..400 {
        match resolved(suite, reservation).await {
            Held::Suspended => tokio::time::sleep(Duration::from_millis(25)).await,
            held => return held,
        }
    }
    panic!("in suspense: {:?}", suite.peers.usage.calls.lock());
}

async fn what_was_not_begun_is_free(db: TestDb) {
    let answers = [Ok(Stopped::NotYet), Err(ErrorClass::Unavailable), Ok(FREE)];
    let provider = Arc::new(stoppable(answers));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let made = cancelled(&user).await;
    assert_eq!(settled(&suite, reservation_of(&made)).await, Held::Released);
    assert_eq!(user.get(&made.id).await.unwrap().cost_microusd, 0);
    let asked: Vec<String> = (provider.stops_asked().into_iter())
        .map(|job| job.id)
        .collect();
    assert_eq!(asked, ["job"; 3]);
    rows::assert_whole_story(&suite.db, made.id.parse().unwrap()).await;
    // It is over: nobody asks again.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(provider.stops_asked().len(), 3);
    assert!(unknown(&suite).await.is_empty());
}

async fn what_was_begun_costs_what_is_said(db: TestDb) {
    let told = Stopped::Over(Spent::money(Microusd(1_234)));
    let absurd = Stopped::Over(Spent::money(Microusd(-1)));
    let provider = Arc::new(stoppable([Ok(told), Ok(PRICE), Ok(absurd)]));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    // What is said, what was said when it was taken, and what it was accepted at.
    for cost in [1_234, 7_000, 5_000] {
        let made = cancelled(&user).await;
        let reservation = reservation_of(&made);
        assert_eq!(settled(&suite, reservation).await, Held::Settled);
        assert_eq!(
            suite.peers.usage.actuals(reservation),
            [(Generations, 0), (Money, cost)]
        );
        let told = user.get(&made.id).await.unwrap();
        assert_eq!(
            (told.status(), told.cost_microusd),
            (State::Cancelled, cost)
        );
    }
}

async fn an_order_on_its_way_is_stopped_when_it_arrives(db: TestDb) {
    let late = Play::AcceptAfter(Duration::from_millis(400), "late");
    let provider = Scripted::new("fake", 5_000).plays([late]);
    let provider = Arc::new(provider.stopped_by([Ok(PRICE)]));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let made = user.create(order("a fox")).await.unwrap();
    while provider.sends() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    user.cancel(&made.id).await.unwrap();
    let reservation = reservation_of(&made);
    assert_eq!(settled(&suite, reservation).await, Held::Settled);
    assert_eq!(provider.stops_asked()[0].id, "late");
    assert_eq!(
        suite.peers.usage.actuals(reservation),
        [(Generations, 0), (Money, 7_000)]
    );
}

async fn an_order_that_did_not_arrive_is_free(db: TestDb) {
    let late = Play::FailAfter(Duration::from_millis(400), ErrorClass::Unavailable);
    let provider = Scripted::new("fake", 5_000).plays([late]);
    let provider = Arc::new(provider.stopped_by([]));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let made = user.create(order("a fox")).await.unwrap();
    while provider.sends() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    user.cancel(&made.id).await.unwrap();
    assert_eq!(settled(&suite, reservation_of(&made)).await, Held::Released);
    assert_eq!((provider.sends(), provider.stops_asked().len()), (1, 0));
}

async fn what_is_not_said_stays_in_suspense(db: TestDb) {
    let provider = Arc::new(stoppable(vec![Err(ErrorClass::Ambiguous); 9]));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let made = cancelled(&user).await;
    while provider.stops_asked().len() < 3 {
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let reservation = reservation_of(&made);
    assert_eq!(resolved(&suite, reservation).await, Held::Suspended);
    let open = unknown(&suite).await;
    assert_eq!((open.len(), open[0].job_id.as_str()), (1, "job"));
}

async fn an_operator_may_be_quicker(db: TestDb) {
    let not_yet = vec![Ok(Stopped::NotYet); 2];
    let provider = Arc::new(stoppable(not_yet.into_iter().chain([Ok(PRICE)])));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let made = cancelled(&user).await;
    resolve(&suite, &made.id, Some(900)).await.unwrap();
    let reservation = reservation_of(&made);
    assert_eq!(settled(&suite, reservation).await, Held::Settled);
    while provider.stops_asked().len() < 3 {
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    // Settled once: `actuals` sees to that.
    assert_eq!(
        suite.peers.usage.actuals(reservation),
        [(Generations, 0), (Money, 900)]
    );
    assert_eq!(user.get(&made.id).await.unwrap().cost_microusd, 900);
}

async fn what_outlasted_its_time_is_stopped(db: TestDb) {
    let provider = Scripted::new("fake", 5_000)
        .within(Duration::from_millis(300))
        .plays([Play::Accept("job")])
        .polled(vec![Play::Busy(1); 30])
        .stopped_by([Ok(FREE)]);
    let provider = Arc::new(provider);
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let made = user.create(order("a fox")).await.unwrap();
    assert_eq!(user.finished(&made.id).await.status(), State::Failed);
    assert_eq!(settled(&suite, reservation_of(&made)).await, Held::Released);
    assert_eq!(provider.stops_asked().len(), 1);
}

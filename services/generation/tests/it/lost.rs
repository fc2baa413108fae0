//! A reservation that was given back: its task ends before it costs anything, and no later.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use contracts::generation::v1::generation::Status as State;
use contracts::policy::v1::policy::Meter::{Generations, Microusd as Money};
use errors::Reason;
use generation::domain::events::{EventKind, Step};
use generation::domain::generation::Failure;
use generation::domain::ports::{Advance, Outbox, PlannedAttempt, PutBack, Work};
use generation::domain::provider::ErrorClass;
use generation::domain::queue::Bounds;
use generation::domain::routing::Entry;
use testkit::TestDb;
use types::Microusd;

use crate::money::{reservation_of, resolved};
use crate::support::suite::{Options, order};
use crate::support::usage::Held;
use crate::support::{Play, Scripted, Suite, on_both, rows};

const HOLD: Duration = Duration::from_secs(30);

on_both!(
    a_task_without_its_reservation_ends,
    an_order_that_has_left_goes_on,
    but_is_not_ordered_again,
    nothing_is_sent_for_a_lost_reservation,
);

fn failure() -> Failure {
    Failure {
        reason: Reason::ReservationLost,
        message: "given back".to_owned(),
    }
}

fn planned() -> PlannedAttempt {
    PlannedAttempt {
        provider: "fake".to_owned(),
        model: "fake-1".to_owned(),
        price: Microusd(5_000),
    }
}

async fn a_task_without_its_reservation_ends(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let idle = Options {
        workers: 0,
        ..Options::default()
    };
    let suite = Suite::start(db, vec![Entry::ready(provider.clone(), true)], idle).await;
    let user = suite.user();
    // Gone without a trace, and given back.
    for is_known in [false, true] {
        suite.peers.usage_away.store(1, Ordering::SeqCst);
        let made = user.create(order("a fox")).await.unwrap();
        let reservation = reservation_of(&made);
        {
            let mut reservations = suite.peers.usage.reservations.lock().unwrap();
            match is_known {
                true => reservations.insert(reservation, Held::Released),
                false => reservations.remove(&reservation),
            };
        }
        let done = user.finished(&made.id).await;
        assert_eq!(done.status(), State::Failed);
        assert_eq!(done.error.unwrap().reason, "RESERVATION_LOST");
        let id = made.id.parse().unwrap();
        rows::assert_whole_story(&suite.db, id).await;
        // There is nothing left to give back.
        assert!(rows::owed_for(&suite.db, id).await.is_empty());
    }
    assert_eq!(provider.sends(), 0);
    let calls = suite.peers.usage.calls.lock().unwrap().clone();
    assert!(calls.iter().all(|(call, _)| *call != "release"));
}

async fn an_order_that_has_left_goes_on(db: TestDb) {
    let provider = Arc::new(
        Scripted::new("fake", 5_000)
            .plays([Play::Accept("job")])
            .polled([Play::Busy(10), Play::Busy(20), Play::Busy(30)]),
    );
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let made = user.create(order("a fox")).await.unwrap();
    let reservation = reservation_of(&made);
    let books = &suite.peers.usage;
    while books.begun.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let taken = books.reservations.lock().unwrap().remove(&reservation);
    assert_eq!(taken, Some(Held::Open));
    let id = made.id.parse().unwrap();
    for _ in 0..400 {
        if rows::task(&suite.db, id).await.reservation_lost {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(rows::task(&suite.db, id).await.reservation_lost);
    // As an expired one, which a settlement still finds.
    (books.reservations.lock().unwrap()).insert(reservation, Held::Open);
    assert_eq!(user.finished(&made.id).await.status(), State::Completed);
    assert_eq!(resolved(&suite, reservation).await, Held::Settled);
    assert_eq!(
        suite.peers.usage.actuals(reservation),
        [(Generations, 1), (Money, 7_000)]
    );
}

async fn but_is_not_ordered_again(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let idle = Options {
        workers: 0,
        ..Options::default()
    };
    let mut suite = Suite::start(db, vec![Entry::ready(provider.clone(), true)], idle).await;
    let user = suite.user();
    suite.peers.usage_away.store(100, Ordering::SeqCst);
    let made = user.create(order("a fox")).await.unwrap();
    let id = made.id.parse().unwrap();
    let store = suite.store();
    let claim = store.claim("w", 1, HOLD, &Bounds::default()).await.unwrap()[0].claim;
    let number = store.plan(claim, &planned()).await.unwrap().unwrap();
    let step = Step::new(EventKind::Generating, 10);
    let sent = store.advance(claim, number, &Advance::Sent, &step).await;
    sent.unwrap();
    // It is refused while the order is under way.
    suite.peers.usage.reservations.lock().unwrap().clear();
    suite.peers.usage_away.store(0, Ordering::SeqCst);
    for _ in 0..400 {
        if rows::task(&suite.db, id).await.reservation_lost {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    // The provider did not take it: another try would be bought with nobody's money.
    let error = generation::domain::provider::ProviderError {
        class: ErrorClass::Unavailable,
        message: String::new(),
        detail: String::new(),
        retry_after: None,
        spent: generation::domain::provider::Spent::default(),
    };
    let back = PutBack {
        rest: Duration::ZERO,
        step: Step::saying(EventKind::Retrying, ""),
        attempt: Some(generation::domain::attempt::AttemptEnd::of(
            number,
            &error,
            Microusd(5_000),
        )),
        onto: None,
    };
    store.put_back(claim, &back).await.unwrap();
    suite.restart(Options::default()).await;
    let user = suite.user_again(user.id);
    let done = user.finished(&made.id).await;
    assert_eq!(done.error.unwrap().reason, "RESERVATION_LOST");
    assert_eq!(provider.sends(), 0);
    rows::assert_whole_story(&suite.db, id).await;
}

// Each round a worker is about to send while the refusal is written down: either the order has left
// and the task goes on, or it is over and nothing leaves any more.
async fn nothing_is_sent_for_a_lost_reservation(db: TestDb) {
    let (database, store) = rows::store(&db).await;
    let mut ends = std::collections::HashSet::new();
    for round in 0..200_u64 {
        let (task, held) = rows::held(&store).await;
        let id = task.id.uuid();
        rows::call_in(&database).await;
        let debts = store.take_due(9, HOLD).await.unwrap();
        let debt = debts.into_iter().find(|debt| debt.task == task.id).unwrap();
        let (left, right) = (store.clone(), store.clone());
        let losing = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_micros(round % 20 * 200)).await;
            left.lose(&debt, &failure()).await.unwrap()
        });
        let sending = tokio::spawn(async move {
            let Ok(Some(number)) = right.plan(held.claim, &planned()).await else {
                return false;
            };
            let step = Step::new(EventKind::Generating, 10);
            let sent = right.advance(held.claim, number, &Advance::Sent, &step);
            sent.await.is_ok()
        });
        let (has_ended, has_left) = (losing.await.unwrap(), sending.await.unwrap());
        assert_ne!(has_ended, has_left, "round {round}");
        let row = rows::task(&database, id).await;
        assert!(row.reservation_lost);
        let status = if has_left { "processing" } else { "failed" };
        assert_eq!(row.status, status);
        assert!(rows::owed_for(&database, id).await.is_empty());
        ends.insert(has_left);
    }
    assert_eq!(ends.len(), 2, "the race always ended the same way");
}

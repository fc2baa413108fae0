//! What is owed to the usage service is delivered once each, in order, however long it is away.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use generation::domain::ports::{Outbox, Tasks};
use generation::domain::settlement::{Call, Resolution};
use testkit::TestDb;
use types::{Clock, SystemClock};

use crate::support::suite::order;
use crate::support::usage::Held;
use crate::support::{Scripted, Suite, on_both, rows};

const HOLD: Duration = Duration::from_secs(30);
const RELEASE: Call = Call::Resolve(Resolution::Release);

on_both!(
    a_confirmation_on_its_way_is_waited_for,
    an_overtaken_confirmation_is_dropped,
    calls_wait_for_the_usage_service,
);

async fn a_confirmation_on_its_way_is_waited_for(db: TestDb) {
    let (database, store) = rows::store(&db).await;
    let (task, _) = rows::held(&store).await;
    // What ends in a moment needs none.
    assert!(store.take_due(9, HOLD).await.unwrap().is_empty());
    rows::call_in(&database).await;
    let first = store.take_due(9, HOLD).await.unwrap();
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].call, Call::Confirm);
    store
        .cancel(task.patron.id, task.id, &[], SystemClock.now())
        .await
        .unwrap();
    // The confirmation is in somebody's hands: its resolution waits.
    assert!(store.take_due(9, HOLD).await.unwrap().is_empty());
    store.close(&[first[0].id]).await.unwrap();
    let second = store.take_due(9, HOLD).await.unwrap();
    assert_eq!(second[0].call, RELEASE);
    // It comes back when it was postponed, and not before.
    store.postpone(&second[0], HOLD).await.unwrap();
    assert!(store.take_due(9, HOLD).await.unwrap().is_empty());
    store.postpone(&second[0], Duration::ZERO).await.unwrap();
    assert_eq!(store.take_due(9, HOLD).await.unwrap()[0].tries, 2);
}

// Whether it is due by then, and taken together with its end, or not.
async fn an_overtaken_confirmation_is_dropped(db: TestDb) {
    let (database, store) = rows::store(&db).await;
    for is_due in [false, true] {
        let (task, _) = rows::held(&store).await;
        store
            .cancel(task.patron.id, task.id, &[], SystemClock.now())
            .await
            .unwrap();
        if is_due {
            rows::call_in(&database).await;
        }
        let taken = store.take_due(9, HOLD).await.unwrap();
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].call, RELEASE);
        assert_eq!(rows::owed_for(&database, task.id.uuid()).await, ["release"]);
        store.close(&[taken[0].id]).await.unwrap();
    }
}

async fn calls_wait_for_the_usage_service(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    suite.peers.usage_away.store(2, Ordering::SeqCst);
    let user = suite.user();
    let made = user.create(order("a fox")).await.unwrap();
    user.finished(&made.id).await;
    for _ in 0..400 {
        let reservations = suite.peers.usage.reservations.lock().unwrap().clone();
        if reservations.values().all(|held| *held == Held::Settled) {
            assert_eq!(reservations.len(), 1);
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!(
        "the reservation is not settled: {:?}",
        suite.peers.usage.calls.lock()
    );
}

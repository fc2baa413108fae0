//! What the usage service is told about reservations before it lets them go.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use contracts::generation::v1::ReportReservationsRequest;
use contracts::generation::v1::report_reservations_response::report::Outcome;
use contracts::policy::v1::policy::Meter::{Generations, Microusd as Money};
use database::Backend;
use errors::Reason;
use generation::domain::error::Error;
use generation::domain::ports::{Adoptions, Tasks};
use generation::domain::routing::Entry;
use sea_orm::ConnectionTrait;
use testkit::TestDb;
use tonic::{Code, Status};
use types::{Clock, ReservationId, SystemClock, UserId};
use uuid::Uuid;

use crate::money::{reservation_of, resolved};
use crate::support::suite::{Options, order};
use crate::support::usage::Held;
use crate::support::{Scripted, Suite, on_both, rows};

on_both!(
    only_what_nobody_has_is_unknown,
    questions_are_read_strictly,
    a_delivered_outcome_is_delivered_again,
    a_slow_commit_is_waited_for,
    unknown_stays_unknown,
);

async fn report(suite: &Suite, ids: &[String]) -> Result<Vec<Outcome>, Status> {
    let request = suite.as_service(
        "usage",
        ReportReservationsRequest {
            reservation_ids: ids.to_vec(),
        },
    );
    let answer = suite.anonymous().report_reservations(request).await?;
    let reports = answer.into_inner().reports;
    let told: Vec<&String> = reports.iter().map(|one| &one.reservation_id).collect();
    assert_eq!(told, ids.iter().collect::<Vec<_>>());
    Ok(reports.iter().map(|one| one.outcome()).collect())
}

async fn only_what_nobody_has_is_unknown(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let idle = Options {
        workers: 0,
        ..Options::default()
    };
    let suite = Suite::start(db, vec![Entry::ready(provider, true)], idle).await;
    let user = suite.user();
    suite.peers.usage_away.store(usize::MAX, Ordering::SeqCst);
    let waiting = user.create(order("a fox")).await.unwrap().id;
    let cancelled = user.create(order("a fox")).await.unwrap().id;
    user.cancel(&cancelled).await.unwrap();
    let nobodys = Uuid::now_v7().to_string();
    let ids = [nobodys.clone(), waiting, nobodys, cancelled];
    assert_eq!(
        report(&suite, &ids).await.unwrap(),
        [
            Outcome::Unknown,
            Outcome::Open,
            Outcome::Unknown,
            Outcome::Open
        ]
    );
}

async fn questions_are_read_strictly(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let id = || Uuid::now_v7().to_string();
    for (ids, field) in [
        (vec![], "reservationIds"),
        ((0..101).map(|_| id()).collect(), "reservationIds"),
        (vec![id(), "mine".to_owned()], "reservationIds[1]"),
    ] {
        let fault = errors::from_status(report(&suite, &ids).await.unwrap_err());
        assert_eq!(fault.reason, Reason::InvalidField);
        assert_eq!(fault.violations.len(), 1);
        assert_eq!(fault.violations[0].field, field);
    }
    let user = suite.user();
    let request = user.request(ReportReservationsRequest {
        reservation_ids: vec![id()],
    });
    let refused = user.client.clone().report_reservations(request).await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
}

async fn a_delivered_outcome_is_delivered_again(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let made = user.create(order("a fox")).await.unwrap();
    user.finished(&made.id).await;
    let reservation = reservation_of(&made);
    assert_eq!(resolved(&suite, reservation).await, Held::Settled);
    let id = made.id.parse().unwrap();
    while !rows::owed_for(&suite.db, id).await.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Its database was restored to before the settlement.
    let books = &suite.peers.usage;
    books
        .reservations
        .lock()
        .unwrap()
        .insert(reservation, Held::Confirmed);
    let told = books.settled.lock().unwrap().remove(&reservation).unwrap();
    assert_eq!(told, [[(Generations, 1), (Money, 5_000)]]);
    let asked = [reservation.to_string()];
    assert_eq!(report(&suite, &asked).await.unwrap(), [Outcome::Open]);
    assert_eq!(resolved(&suite, reservation).await, Held::Settled);
    assert_eq!(
        books.actuals(reservation),
        [(Generations, 1), (Money, 5_000)]
    );
}

// The task's row is written in time, its commit comes late: whoever asks meanwhile waits for it.
async fn a_slow_commit_is_waited_for(db: TestDb) {
    let (database, store) = rows::store(&db).await;
    let mut task = rows::new_task(UserId(Uuid::now_v7()));
    task.hold.expires_at = SystemClock.now().plus(Duration::from_millis(300));
    let reservation = task.hold.reservation;
    let brake = database.begin().await.unwrap();
    if database.backend() == Backend::Postgres {
        let lock = "LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE";
        brake.execute_unprepared(lock).await.unwrap();
    }
    let storing = tokio::spawn({
        let store = store.clone();
        async move { store.create(task).await }
    });
    tokio::time::sleep(Duration::from_millis(400)).await;
    let asking = tokio::spawn({
        let store = store.clone();
        async move { store.standings(&[reservation]).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    brake.rollback().await.unwrap();
    let stored = storing.await.unwrap();
    let is_known = asking.await.unwrap().unwrap().contains_key(&reservation);
    match database.backend() {
        Backend::Postgres => assert!(stored.is_ok() && is_known),
        // The one writer was busy: it came too late, and says so.
        Backend::Sqlite => {
            assert!(matches!(stored, Err(Error::ReservationExpired)));
            assert!(!is_known);
        }
    }
}

async fn unknown_stays_unknown(db: TestDb) {
    let (_, store) = rows::store(&db).await;
    let mut stored_in_time = 0;
    for round in 0..100_u64 {
        let mut task = rows::new_task(UserId(Uuid::now_v7()));
        task.hold.expires_at = SystemClock.now().plus(Duration::from_millis(4));
        let reservation: ReservationId = task.hold.reservation;
        let storing = tokio::spawn({
            let store = store.clone();
            async move {
                tokio::time::sleep(Duration::from_micros(round % 25 * 200)).await;
                store.create(task).await
            }
        });
        tokio::time::sleep(Duration::from_millis(4)).await;
        let known = store.standings(&[reservation]).await.unwrap();
        let stored = storing.await.unwrap();
        match stored {
            Ok(_) => stored_in_time += 1,
            Err(Error::ReservationExpired) => {}
            Err(error) => panic!("{error:?}"),
        }
        let is_stored = store.is_adopted(reservation).await.unwrap();
        assert_eq!(known.contains_key(&reservation), is_stored, "round {round}");
    }
    assert!(stored_in_time > 0);
}

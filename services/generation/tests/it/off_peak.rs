//! Orders that can wait: begun in the off-peak window only, at the price that holds there.

use std::sync::Arc;
use std::time::Duration;

use contracts::generation::v1::generation::{Kind, Status as State};
use contracts::generation::v1::{CreateGenerationRequest, QuoteGenerationRequest};
use contracts::policy::v1::policy::Meter;
use errors::Reason;
use generation::domain::events::{EventKind, Step};
use generation::domain::off_peak::OffPeak;
use generation::domain::ports::{PutBack, Tasks, Work};
use generation::domain::queue::{Bounds, Schedule};
use generation::domain::routing::Entry;
use generation::store::Store;
use testkit::TestDb;
use types::{Clock, SystemClock, Timestamp, UserId};
use uuid::Uuid;

use crate::support::rows::{self, LEASE};
use crate::support::suite::{Options, Suite, order};
use crate::support::{Scripted, on_both};

on_both!(
    it_waits_for_the_window_at_half_the_price,
    in_the_window_it_is_done_at_once,
    where_there_is_no_window_it_is_refused,
    who_has_not_begun_when_it_closes_waits_for_the_next,
);

const HOUR: i64 = 3_600_000_000;

// Open from so many hours from now, until so many hours from now.
fn window(from: i64, until: i64) -> OffPeak {
    let now = SystemClock.now().micros();
    let clock = |hours: i64| {
        let at = Timestamp(now + hours * HOUR).utc();
        format!("{:02}:{:02}", at.hour(), at.minute())
    };
    let window = format!("{}-{}", clock(from), clock(until));
    OffPeak {
        window: window.parse().unwrap(),
        permille: 500,
    }
}

async fn suite(db: TestDb, off_peak: Option<OffPeak>) -> (Suite, Arc<Scripted>) {
    let provider = Arc::new(Scripted::new("fake", 8_001));
    let options = Options {
        off_peak,
        ..Options::default()
    };
    let entries = vec![Entry::ready(provider.clone(), true)];
    (Suite::start(db, entries, options).await, provider)
}

fn waiting() -> CreateGenerationRequest {
    CreateGenerationRequest {
        off_peak: true,
        ..order("a fox")
    }
}

async fn it_waits_for_the_window_at_half_the_price(db: TestDb) {
    let night = window(2, 3);
    let (suite, provider) = suite(db, Some(night)).await;
    let user = suite.user();
    let quote = user.request(QuoteGenerationRequest {
        kind: Kind::Image.into(),
        image: waiting().image,
        off_peak: true,
        ..QuoteGenerationRequest::default()
    });
    let quote = user.client.clone().quote_generation(quote).await;
    let quote = quote.unwrap().into_inner();
    let opening = night.window.opening(SystemClock.now());
    assert_eq!((quote.price_microusd, quote.queue_position), (4_001, 0));
    assert_eq!(quote.limits[0].asked, 4_001);
    assert_eq!(quote.estimated_start_at, Some(opening.into()));

    let made = user.create(waiting()).await.unwrap();
    assert_eq!((made.off_peak, made.status()), (true, State::Pending));
    assert_eq!(made.price_microusd, Some(4_001));
    assert_eq!(made.queue_position, None);
    assert_eq!(made.estimated_start_at, Some(opening.into()));
    assert_eq!(made.route, quote.route);
    // By day it is done as ever.
    let by_day = user.create(order("a hare")).await.unwrap();
    assert_eq!(by_day.price_microusd, Some(8_001));
    assert_eq!(user.finished(&by_day.id).await.status(), State::Completed);
    assert_eq!(user.get(&made.id).await.unwrap().status(), State::Pending);
    assert_eq!(provider.sends(), 1);
    // A later day's window, and a life that is too short for any.
    let mut later = waiting();
    let days = Duration::from_hours(48);
    later.not_before = Some(SystemClock.now().plus(days).into());
    let later = user.create(later).await.unwrap();
    let second = opening.plus(days);
    assert_eq!(later.estimated_start_at, Some(second.into()));
    let mut short = waiting();
    short.expire_after = Some(prost_types::Duration {
        seconds: 600,
        nanos: 0,
    });
    let fault = errors::from_status(user.create(short).await.unwrap_err());
    assert_eq!(fault.violations[0].field, "expireAfter");
    assert!(fault.violations[0].description.contains("off-peak"));
}

async fn in_the_window_it_is_done_at_once(db: TestDb) {
    let (suite, _) = suite(db, Some(window(-1, 1))).await;
    let user = suite.user();
    let made = user.create(waiting()).await.unwrap();
    assert_eq!(made.price_microusd, Some(4_001));
    let done = user.finished(&made.id).await;
    assert_eq!(
        (done.status(), done.cost_microusd),
        (State::Completed, 4_001)
    );
    let id: Uuid = made.id.parse().unwrap();
    let reservation = rows::task(&suite.db, id).await.reservation_id.unwrap();
    let reservation = types::ReservationId(reservation);
    for _ in 0..200 {
        if suite
            .peers
            .usage
            .settled
            .lock()
            .unwrap()
            .contains_key(&reservation)
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let used = suite.peers.usage.actuals(reservation);
    assert!(used.contains(&(Meter::Microusd, 4_001)), "{used:?}");
}

async fn where_there_is_no_window_it_is_refused(db: TestDb) {
    let (suite, _) = suite(db, None).await;
    let fault = errors::from_status(suite.user().create(waiting()).await.unwrap_err());
    assert_eq!(fault.reason, Reason::InvalidField);
    assert_eq!(fault.violations.len(), 1);
    assert_eq!(fault.violations[0].field, "offPeak");
}

async fn claim(store: &Store, bounds: &Bounds) -> Vec<Uuid> {
    let claimed = store.claim("w", 9, LEASE, bounds).await.unwrap();
    (claimed.iter()).map(|one| one.claim.task.uuid()).collect()
}

async fn who_has_not_begun_when_it_closes_waits_for_the_next(db: TestDb) {
    let (database, store) = rows::store(&db).await;
    let mut patient = rows::new_task(UserId(Uuid::now_v7()));
    patient.spot.schedule = Schedule {
        off_peak: true,
        ..Schedule::default()
    };
    let (patient_id, hasty) = (patient.id.uuid(), rows::new_task(UserId(Uuid::now_v7())));
    store.create(patient.clone()).await.unwrap();
    store.create(hasty.clone()).await.unwrap();
    let soon = |span| SystemClock.now().plus(Duration::from_millis(span));
    let closed = |opening| Bounds {
        off_peak_from: Some(opening),
        ..Bounds::default()
    };
    // Somebody else's claim brought it to the line while this process knows it is closed.
    let opening = soon(60_000);
    assert_eq!(claim(&store, &closed(opening)).await, [hasty.id.uuid()]);
    let row = rows::task(&database, patient_id).await;
    assert_eq!((row.resting, row.run_at), (true, opening.micros()));
    assert!(claim(&store, &Bounds::default()).await.is_empty());

    // When it opens, it is begun; given back, it rests, and the window closes meanwhile.
    let statement = format!("UPDATE tasks SET run_at = {}", soon(0).micros());
    sea_orm::ConnectionTrait::execute_unprepared(database.write(), &statement)
        .await
        .unwrap();
    let begun = store
        .claim("w", 9, LEASE, &Bounds::default())
        .await
        .unwrap();
    assert_eq!(begun.len(), 1);
    let back = PutBack {
        rest: Duration::from_millis(1),
        step: Step::saying(EventKind::Requeued, "later".to_owned()),
        attempt: None,
        onto: None,
    };
    store.put_back(begun[0].claim, &back).await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    let opening = soon(300);
    assert!(claim(&store, &closed(opening)).await.is_empty());
    assert_eq!(
        rows::task(&database, patient_id).await.run_at,
        opening.micros()
    );
    tokio::time::sleep(Duration::from_millis(320)).await;
    assert_eq!(claim(&store, &Bounds::default()).await, [patient_id]);
}

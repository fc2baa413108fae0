//! The database seen directly: what a test sets up, and what it finds afterwards.

use std::sync::Arc;
use std::time::Duration;

use database::Database;
use generation::Migrator;
use generation::domain::generation::{ImageRequest, Kind, Output};
use generation::domain::hold::{Hold, Quote};
use generation::domain::ports::{Claimed, Ending, NewTask, Patron, PlannedAttempt, Tasks, Work};
use generation::domain::provider::Finish;
use generation::domain::queue::{Bounds, STEP, Schedule, Spot};
use generation::domain::route::{Candidate, Itinerary, Policy};
use generation::domain::settlement::{Actuals, Resolution};
use generation::store::Store;
use generation::store::entity::{attempts, events, outbox, tasks};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use testkit::TestDb;
use types::{Clock, FileId, GenerationId, Microusd, ReservationId, SystemClock, UserId};
use uuid::Uuid;

pub const LEASE: Duration = Duration::from_secs(30);

/// A migrated database and the store in it.
pub async fn store(db: &TestDb) -> (Database, Store) {
    let database = Database::connect(&db.settings()).await.unwrap();
    database.migrate::<Migrator>().await.unwrap();
    let store = Store::new(database.clone(), Arc::new(SystemClock));
    (database, store)
}

/// Makes everything that is owed due now.
pub async fn call_in(database: &Database) {
    let due = "UPDATE outbox SET due_at = 0";
    database.write().execute_unprepared(due).await.unwrap();
}

/// An order of an owner as the desk would store it.
pub fn new_task(owner: UserId) -> NewTask {
    NewTask {
        id: GenerationId(Uuid::now_v7()),
        patron: Patron {
            id: owner,
            tier: "free".to_owned(),
            api_key: None,
        },
        kind: Kind::Image,
        request: ImageRequest {
            prompt: "a fox".to_owned(),
            negative_prompt: String::new(),
            width: 64,
            height: 64,
            seed: 1,
            inputs: Vec::new(),
            mask: None,
            finish: Finish::default(),
            provider: None,
            model: None,
        },
        session: None,
        hold: Hold {
            reservation: ReservationId(Uuid::now_v7()),
            price: Quote {
                amount: Microusd(5_000),
                version: "list:2026-11-01".to_owned(),
            },
            expires_at: SystemClock.now().plus(Duration::from_secs(60)),
        },
        provider: "fake".to_owned(),
        model: "fake-1".to_owned(),
        ignored: Vec::new(),
        key: None,
        itinerary: Itinerary {
            policy: Policy::Cheapest,
            is_pinned: false,
            chosen: Candidate {
                provider: "fake".to_owned(),
                model: "fake-1".to_owned(),
                price_microusd: 5_000,
                ignored: Vec::new(),
            },
            fallbacks: Vec::new(),
            rejected: Vec::new(),
            is_saving: false,
        },
        spot: Spot {
            step: STEP,
            max_pending: 0,
            schedule: Schedule::default(),
        },
        reused: None,
        result_key: None,
        created_at: SystemClock.now(),
    }
}

/// An attempt at the fake provider.
pub fn planned() -> PlannedAttempt {
    PlannedAttempt {
        provider: "fake".to_owned(),
        model: "fake-1".to_owned(),
        price: Microusd(5_000),
    }
}

/// The end of a task whose attempt brought a picture.
pub fn completed(attempt: i64) -> Ending {
    Ending::Completed {
        attempt,
        cost: Microusd(5_000),
        tokens: None,
        resolution: Resolution::Settle(Actuals::default()),
        outputs: vec![Output {
            file: FileId(Uuid::now_v7()),
            content_type: "image/png".to_owned(),
            width: 64,
            height: 64,
        }],
    }
}

/// A stored task that a worker holds.
pub async fn held(store: &Store) -> (NewTask, Claimed) {
    let task = new_task(UserId(Uuid::now_v7()));
    store.create(task.clone()).await.unwrap();
    let mut claimed = store
        .claim("w", 1, LEASE, &Bounds::default())
        .await
        .unwrap();
    (task, claimed.pop().unwrap())
}

pub async fn task(db: &Database, id: Uuid) -> tasks::Model {
    let found = tasks::Entity::find_by_id(id).one(db.write()).await;
    found.unwrap().unwrap()
}

pub async fn events_of(db: &Database, id: Uuid) -> Vec<events::Model> {
    events::Entity::find()
        .filter(events::Column::TaskId.eq(id))
        .order_by_asc(events::Column::Sequence)
        .all(db.write())
        .await
        .unwrap()
}

pub async fn attempts_of(db: &Database, id: Uuid) -> Vec<attempts::Model> {
    attempts::Entity::find()
        .filter(attempts::Column::TaskId.eq(id))
        .order_by_asc(attempts::Column::Number)
        .all(db.write())
        .await
        .unwrap()
}

pub async fn owed_for(db: &Database, id: Uuid) -> Vec<String> {
    let rows = outbox::Entity::find()
        .filter(outbox::Column::TaskId.eq(id))
        .order_by_asc(outbox::Column::Kind)
        .all(db.write())
        .await
        .unwrap();
    rows.into_iter().map(|row| row.kind).collect()
}

/// Takes the lease of whoever holds the task away, as time would.
pub async fn expire(db: &Database, id: Uuid) {
    tasks::Entity::update_many()
        .col_expr(
            tasks::Column::LeaseUntil,
            sea_orm::sea_query::Expr::value(1_i64),
        )
        .filter(tasks::Column::Id.eq(id))
        .filter(tasks::Column::LeaseUntil.is_not_null())
        .exec(db.write())
        .await
        .unwrap();
}

/// The numbers of a task's events run from 1 without gaps, and only the last is final.
pub async fn assert_whole_story(db: &Database, id: Uuid) {
    let events = events_of(db, id).await;
    let numbers: Vec<i64> = events.iter().map(|event| event.sequence).collect();
    let expected: Vec<i64> = (1..).take(numbers.len()).collect();
    assert_eq!(numbers, expected);
    let is_final =
        |event: &events::Model| matches!(event.kind.as_str(), "completed" | "failed" | "cancelled");
    let finals = events.iter().filter(|event| is_final(event)).count();
    assert_eq!(finals, 1, "{events:?}");
    assert!(events.last().is_some_and(is_final));
}

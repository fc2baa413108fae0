//! The tables come, go and come again; and what keeps them honest.

use std::sync::Arc;
use std::time::Duration;

use database::{Backend, Database};
use generation::Migrator;
use generation::domain::error::Error;
use generation::domain::generation::Filter;
use generation::domain::ports::{Outbox, Tasks, Work};
use generation::domain::queue::Bounds;
use generation::store::Store;
use sea_orm::ConnectionTrait;
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use testkit::TestDb;
use types::{PageRequest, SystemClock, UserId};
use uuid::Uuid;

use crate::support::{on_both, rows};

on_both!(
    up_down_and_up_again,
    what_was_there_before_is_kept,
    a_reservation_serves_one_task,
    lists_hold_an_owners_own
);

async fn up_down_and_up_again(db: TestDb) {
    let database = Database::connect(&db.settings()).await.unwrap();
    let steps = Migrator::migrations().len();
    assert_eq!(database.pending::<Migrator>().await.unwrap().len(), steps);
    database.migrate::<Migrator>().await.unwrap();
    database.revert::<Migrator>().await.unwrap();
    assert_eq!(database.pending::<Migrator>().await.unwrap().len(), steps);
    database.migrate::<Migrator>().await.unwrap();
    assert!(database.pending::<Migrator>().await.unwrap().is_empty());
}

// The tables as they were before money was held.
struct Before;

impl MigratorTrait for Before {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        Migrator::migrations().into_iter().take(1).collect()
    }
}

async fn what_was_there_before_is_kept(db: TestDb) {
    let database = Database::connect(&db.settings()).await.unwrap();
    database.migrate::<Before>().await.unwrap();
    let uuid = |number: u8| match database.backend() {
        Backend::Postgres => format!("'{}'", Uuid::from_bytes([number; 16])),
        Backend::Sqlite => format!("x'{}'", format!("{number:02x}").repeat(16)),
    };
    let request = r#"{"prompt":"p","negative_prompt":"","width":64,"height":64,"seed":1,"inputs":[],"provider":null,"model":null}"#;
    for (number, status, ended, reason) in [
        (1, "pending", "NULL", "NULL"),
        (2, "completed", "1", "NULL"),
        (3, "failed", "1", "'INTERNAL'"),
    ] {
        let id = uuid(number);
        let task = format!(
            "INSERT INTO tasks (id, owner, tier, kind, status, request, reservation_id, provider,
                model, ignored, run_at, last_sequence, created_at, updated_at, completed_at,
                failure_reason, cost_microusd)
            VALUES ({id}, {owner}, 'free', 'image', '{status}', '{request}', {id}, 'fake', 'fake-1',
                '[]', 0, 1, 1, 1, {ended}, {reason}, 9)",
            owner = uuid(9)
        );
        let owed = format!("INSERT INTO outbox VALUES ({id}, 'confirm', {id}, {id}, 0, 3)");
        for statement in [task, owed] {
            database
                .write()
                .execute_unprepared(&statement)
                .await
                .unwrap();
        }
    }
    database.migrate::<Migrator>().await.unwrap();
    let store = Store::new(database.clone(), Arc::new(SystemClock));
    let mut resolutions = Vec::new();
    for number in 1..=3 {
        let id = Uuid::from_bytes([number; 16]);
        let row = rows::task(&database, id).await;
        assert_eq!((row.price_microusd, row.reservation_lost), (None, false));
        resolutions.push(row.resolution);
        assert_eq!(rows::owed_for(&database, id).await, ["confirm"]);
    }
    assert_eq!(resolutions[0], None);
    assert_eq!(resolutions[1].as_deref(), Some(r#"{"settle":{}}"#));
    assert_eq!(resolutions[2].as_deref(), Some(r#""release""#));
    let owed = store.take_due(9, Duration::ZERO).await.unwrap();
    assert_eq!(owed.len(), 3);
    assert!(owed.iter().all(|debt| debt.tries == 4));
    // A task from before holds no money, so none is asked for.
    let claimed = store
        .claim("w", 1, rows::LEASE, &Bounds::default())
        .await
        .unwrap();
    assert_eq!(claimed[0].price, None);
}

async fn a_reservation_serves_one_task(db: TestDb) {
    let (database, store) = rows::store(&db).await;
    let first = rows::new_task(UserId(Uuid::now_v7()));
    store.create(first.clone()).await.unwrap();
    let mut second = rows::new_task(first.patron.id);
    second.hold.reservation = first.hold.reservation;
    let refused = store.create(second.clone()).await;
    assert!(matches!(refused, Err(Error::ReservationUsed)));
    assert!(
        rows::events_of(&database, second.id.uuid())
            .await
            .is_empty()
    );
    assert!(rows::owed_for(&database, second.id.uuid()).await.is_empty());
}

async fn lists_hold_an_owners_own(db: TestDb) {
    let (_, store) = rows::store(&db).await;
    let [mine, theirs] = [(); 2].map(|()| UserId(Uuid::now_v7()));
    let mut ids = Vec::new();
    for _ in 0..3 {
        let task = rows::new_task(mine);
        store.create(task.clone()).await.unwrap();
        store.create(rows::new_task(theirs)).await.unwrap();
        ids.insert(0, task.id);
    }
    let page = |token: &str| PageRequest::parse(2, token).unwrap();
    let first = store.list(mine, Filter::default(), page("")).await.unwrap();
    let rest = store
        .list(mine, Filter::default(), page(&first.next_token))
        .await
        .unwrap();
    assert!(rest.next_token.is_empty());
    let found: Vec<_> = (first.items.iter().chain(&rest.items))
        .map(|one| one.id)
        .collect();
    assert_eq!(found, ids);
    let foreign = store.find(theirs, ids[0]).await;
    assert!(matches!(foreign, Err(Error::NotFound)));
}

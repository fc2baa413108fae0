//! The tables come, go and come again; and what keeps them honest.

use database::Database;
use generation::Migrator;
use generation::domain::error::Error;
use generation::domain::generation::Filter;
use generation::domain::ports::Tasks;
use testkit::TestDb;
use types::{PageRequest, UserId};
use uuid::Uuid;

use crate::support::{on_both, rows};

on_both!(
    up_down_and_up_again,
    a_reservation_serves_one_task,
    lists_hold_an_owners_own
);

async fn up_down_and_up_again(db: TestDb) {
    let database = Database::connect(&db.settings()).await.unwrap();
    assert_eq!(database.pending::<Migrator>().await.unwrap().len(), 2);
    database.migrate::<Migrator>().await.unwrap();
    database.revert::<Migrator>().await.unwrap();
    assert_eq!(database.pending::<Migrator>().await.unwrap().len(), 1);
    database.migrate::<Migrator>().await.unwrap();
    assert!(database.pending::<Migrator>().await.unwrap().is_empty());
}

async fn a_reservation_serves_one_task(db: TestDb) {
    let (database, store) = rows::store(&db).await;
    let first = rows::new_task(UserId(Uuid::now_v7()));
    store.create(&first).await.unwrap();
    let mut second = rows::new_task(first.patron.id);
    second.hold.reservation = first.hold.reservation;
    let refused = store.create(&second).await;
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
        store.create(&task).await.unwrap();
        store.create(&rows::new_task(theirs)).await.unwrap();
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

//! What only grows is swept when it has had its time, and nothing else is.

use std::time::Duration;

use generation::domain::chores::{Chore, Chores};
use generation::domain::ports::{Tasks, Work};
use generation::domain::queue::{Bounds, STEP};
use generation::store::Store;
use sea_orm::ConnectionTrait;
use testkit::TestDb;
use types::{Clock, GenerationId, SystemClock, UserId};
use uuid::{Builder, Uuid};

use crate::support::rows::{self, LEASE};
use crate::support::suite::order;
use crate::support::{Scripted, Suite, on_both};

on_both!(
    counts_are_kept_for_400_days,
    batches_are_kept_for_90_days_after_their_end,
    events_are_kept_for_90_days,
    turns_nobody_waits_for_are_not_kept,
);

const DAY: i64 = 86_400_000_000;

// Until nothing is left to sweep; how many there were.
async fn swept(store: &Store, chore: Chore) -> u64 {
    let mut all = 0;
    loop {
        let some = store.sweep(chore, 2).await.unwrap();
        all += some;
        if some < 2 {
            return all;
        }
    }
}

async fn counts_are_kept_for_400_days(db: TestDb) {
    let (database, store) = rows::store(&db).await;
    let today = SystemClock.now().micros() / DAY;
    for (day, shard) in [
        (today - 401, 0),
        (today - 401, 1),
        (0, 0),
        (today - 400, 0),
        (today, 0),
    ] {
        let row =
            format!("INSERT INTO provider_stats VALUES ({day}, 'a', 'a-1', 3, {shard}, 1, 0, 0)");
        database.write().execute_unprepared(&row).await.unwrap();
    }
    assert_eq!(swept(&store, Chore::Tallies).await, 3);
    assert_eq!(swept(&store, Chore::Tallies).await, 0);
}

async fn batches_are_kept_for_90_days_after_their_end(db: TestDb) {
    let (database, store) = rows::store(&db).await;
    let now = SystemClock.now().micros();
    for (running, ended) in [
        (0, (now - 91 * DAY).to_string()),
        (0, (now - 89 * DAY).to_string()),
        (1, "NULL".to_owned()),
    ] {
        let id = match database.backend() {
            database::Backend::Postgres => format!("'{}'", Uuid::now_v7()),
            database::Backend::Sqlite => format!("x'{}'", Uuid::now_v7().simple()),
        };
        let row = format!("INSERT INTO batches VALUES ({id}, {id}, '[]', {running}, 0, {ended})");
        database.write().execute_unprepared(&row).await.unwrap();
    }
    assert_eq!(swept(&store, Chore::Batches).await, 1);
}

async fn events_are_kept_for_90_days(db: TestDb) {
    let provider = std::sync::Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let store = suite.store();
    let user = suite.user();
    // As long ago as its id says; one has ended, one has not.
    let long_ago = u64::try_from(SystemClock.now().micros() / 1_000).unwrap() - 91 * 86_400_000;
    let mut old = Vec::new();
    for number in 1..=2 {
        let mut task = rows::new_task(user.id);
        task.spot.schedule.not_before = Some(SystemClock.now().plus(Duration::from_hours(1)));
        let id = Builder::from_unix_timestamp_millis(long_ago, &[number; 10]).into_uuid();
        task.id = GenerationId(id);
        task.hold.reservation = suite.peers.usage.set_aside();
        store.create(task.clone()).await.unwrap();
        old.push(id);
    }
    let ended = old[0].to_string();
    user.cancel(&ended).await.unwrap();
    let recent = user.create(order("a fox")).await.unwrap();
    user.finished(&recent.id).await;
    swept(&store, Chore::Events).await;
    let left = [old[0], old[1]].map(|id| rows::events_of(&suite.db, id));
    let left = futures::future::join_all(left).await;
    assert_eq!([left[0].len(), left[1].len()], [0, 1]);
    rows::assert_whole_story(&suite.db, recent.id.parse().unwrap()).await;
    // It is still there; who watches it is told that it is over.
    assert_eq!(user.get(&ended).await.unwrap().id, ended);
    let watched = tokio::time::timeout(Duration::from_secs(5), user.watch(&ended, 0)).await;
    assert!(watched.unwrap().unwrap().is_empty());
}

async fn turns_nobody_waits_for_are_not_kept(db: TestDb) {
    let (database, store) = rows::store(&db).await;
    let [early, busy] = [1, 2].map(|_| UserId(Uuid::now_v7()));
    store.create(rows::new_task(early)).await.unwrap();
    for _ in 0..3 {
        store.create(rows::new_task(busy)).await.unwrap();
    }
    let all = Bounds::default();
    assert_eq!(store.claim("w", 3, LEASE, &all).await.unwrap().len(), 3);
    // The line stands at the second of the busy one, past the other's only turn.
    assert_eq!(swept(&store, Chore::Turns).await, 1);
    // Whose turn was forgotten is given the same as before: a step from now.
    let next = rows::new_task(early);
    store.create(next.clone()).await.unwrap();
    let turn = rows::task(&database, next.id.uuid()).await.turn;
    assert_eq!(turn, 3 * STEP - 2);
}

//! Turns, bounds and times: who is claimed next, how many wait, how many run, and what comes too late.

use std::collections::HashMap;
use std::time::Duration;

use generation::domain::error::Error;
use generation::domain::events::{EventKind, Step};
use generation::domain::ports::{Claimed, Expiry, NewTask, PutBack, Tasks, Work};
use generation::domain::queue::{Bounds, MOST_COUNTED, STEP};
use generation::domain::routing::Limits;
use generation::store::Store;
use sea_orm::{ConnectionTrait, Statement};
use testkit::TestDb;
use tokio::task::JoinSet;
use types::{Clock, SystemClock, UserId};
use uuid::Uuid;

use crate::support::on_both;
use crate::support::rows::{self, LEASE};

on_both!(
    one_owners_thousand_delays_nobody,
    newcomers_do_not_starve_who_waits,
    weights_share_the_line,
    fifty_at_once_are_ten,
    running_tasks_are_bounded,
    two_pools_keep_the_bounds,
    what_waits_too_long_ends,
    what_has_left_does_not_expire,
    scheduled_tasks_wait_apart,
    positions_are_counted,
    claims_look_at_living_rows_only,
);

fn owner() -> UserId {
    UserId(Uuid::now_v7())
}

fn at_most(provider: &str, max_running: u64) -> (String, Limits) {
    let limits = Limits {
        max_running,
        ..Limits::default()
    };
    (provider.to_owned(), limits)
}

async fn order(store: &Store, owner: UserId) -> NewTask {
    let task = rows::new_task(owner);
    store.create(task.clone()).await.unwrap();
    task
}

async fn claim(store: &Store, limit: u64, bounds: &Bounds) -> Vec<Claimed> {
    store.claim("w", limit, LEASE, bounds).await.unwrap()
}

async fn next(store: &Store) -> Option<UserId> {
    let mut claimed = claim(store, 1, &Bounds::default()).await;
    claimed.pop().map(|one| one.patron.id)
}

async fn one_owners_thousand_delays_nobody(db: TestDb) {
    let (_, store) = rows::store(&db).await;
    let [many, other, third] = [owner(), owner(), owner()];
    for _ in 0..1_000 {
        order(&store, many).await;
    }
    assert_eq!(next(&store).await, Some(many));
    for newcomer in [other, third] {
        order(&store, newcomer).await;
        assert_eq!(next(&store).await, Some(newcomer));
        assert_eq!(next(&store).await, Some(many));
    }
    // With something waiting on both sides they take turns.
    for _ in 0..10 {
        order(&store, other).await;
    }
    let mut served = HashMap::new();
    for _ in 0..20 {
        *served.entry(next(&store).await.unwrap()).or_insert(0) += 1;
    }
    assert_eq!((served[&many], served[&other]), (10, 10));
}

async fn newcomers_do_not_starve_who_waits(db: TestDb) {
    let (_, store) = rows::store(&db).await;
    let many = owner();
    for _ in 0..5 {
        order(&store, many).await;
    }
    let mut served = 0;
    for _ in 0..10 {
        order(&store, owner()).await;
        served += usize::from(next(&store).await == Some(many));
    }
    // A round is one of each who waits.
    assert!(served >= 3, "{served}");
}

async fn weights_share_the_line(db: TestDb) {
    let (_, store) = rows::store(&db).await;
    let [free, pro] = [owner(), owner()];
    for _ in 0..20 {
        order(&store, free).await;
        let mut task = rows::new_task(pro);
        task.spot.step = STEP / 4;
        store.create(task.clone()).await.unwrap();
    }
    let mut pros = 0;
    for _ in 0..10 {
        pros += usize::from(next(&store).await == Some(pro));
    }
    assert_eq!(pros, 8);
}

async fn fifty_at_once_are_ten(db: TestDb) {
    let (_, store) = rows::store(&db).await;
    let hasty = owner();
    let mut creates = JoinSet::new();
    for _ in 0..50 {
        let store = store.clone();
        creates.spawn(async move {
            let mut task = rows::new_task(hasty);
            task.spot.max_pending = 10;
            store.create(task.clone()).await
        });
    }
    let mut taken = 0;
    while let Some(made) = creates.join_next().await {
        match made.unwrap() {
            Ok(_) => taken += 1,
            Err(error) => assert!(matches!(error, Error::QueueFull(10)), "{error:?}"),
        }
    }
    assert_eq!(taken, 10);
    // Others are let in, and so is the owner once one has begun.
    order(&store, owner()).await;
    let mut task = rows::new_task(hasty);
    task.spot.max_pending = 10;
    assert!(store.create(task.clone()).await.is_err());
    assert_eq!(next(&store).await, Some(hasty));
    store.create(task.clone()).await.unwrap();
}

async fn running_tasks_are_bounded(db: TestDb) {
    let (_, store) = rows::store(&db).await;
    let [many, other] = [owner(), owner()];
    for _ in 0..9 {
        order(&store, many).await;
    }
    for _ in 0..3 {
        order(&store, other).await;
    }
    let two = Bounds {
        per_owner: Some(2),
        ..Bounds::default()
    };
    // One claim reaches past those the bound leaves out.
    let claimed = claim(&store, 20, &two).await;
    let of = |owner| claimed.iter().filter(|one| one.patron.id == owner).count();
    assert_eq!((claimed.len(), of(many), of(other)), (4, 2, 2));
    assert!(claim(&store, 20, &two).await.is_empty());
    let fake = |most| Bounds {
        per_provider: vec![at_most("else", 1), at_most("fake", most)],
        ..Bounds::default()
    };
    assert!(claim(&store, 20, &fake(4)).await.is_empty());
    assert_eq!(claim(&store, 20, &fake(5)).await.len(), 1);
    let both = Bounds {
        per_owner: Some(3),
        ..fake(6)
    };
    assert_eq!(claim(&store, 20, &both).await.len(), 1);
}

async fn two_pools_keep_the_bounds(db: TestDb) {
    let (_, store) = rows::store(&db).await;
    let owners = [owner(), owner(), owner()];
    for one in owners {
        for _ in 0..20 {
            order(&store, one).await;
        }
    }
    let bounds = Bounds {
        per_owner: Some(4),
        per_provider: vec![at_most("fake", 10)],
        ..Bounds::default()
    };
    let mut pools = JoinSet::new();
    for _ in 0..8 {
        let (store, bounds) = (store.clone(), bounds.clone());
        pools.spawn(async move {
            let mut taken = Vec::new();
            for limit in [3, 5, 2] {
                taken.extend(claim(&store, limit, &bounds).await);
            }
            taken
        });
    }
    let mut running: HashMap<UserId, usize> = HashMap::new();
    while let Some(taken) = pools.join_next().await {
        for one in taken.unwrap() {
            *running.entry(one.patron.id).or_default() += 1;
        }
    }
    assert_eq!(running.values().sum::<usize>(), 10, "{running:?}");
    assert!(running.values().all(|count| *count <= 4), "{running:?}");
}

fn over() -> Option<types::Timestamp> {
    Some(types::Timestamp(SystemClock.now().micros() - 1))
}

async fn what_waits_too_long_ends(db: TestDb) {
    let (database, store) = rows::store(&db).await;
    let mut late = rows::new_task(owner());
    late.spot.schedule.expires_at = over();
    store.create(late.clone()).await.unwrap();
    let mut early = rows::new_task(owner());
    early.spot.schedule.expires_at = Some(SystemClock.now().plus(LEASE));
    store.create(early.clone()).await.unwrap();
    // It is not begun any more, even before it is ended.
    let claimed = claim(&store, 9, &Bounds::default()).await;
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].claim.task, early.id);
    let (left, right) = tokio::join!(store.expire_due(9), store.expire_due(9));
    let ended: Vec<_> = left.unwrap().into_iter().chain(right.unwrap()).collect();
    assert_eq!(ended, [late.id]);
    let row = rows::task(&database, late.id.uuid()).await;
    assert_eq!(row.failure_reason.as_deref(), Some("EXPIRED"));
    assert_eq!(row.resolution.as_deref(), Some(r#""release""#));
    rows::assert_whole_story(&database, late.id.uuid()).await;
    let owed = rows::owed_for(&database, late.id.uuid()).await;
    assert_eq!(owed, ["confirm", "release"]);
}

async fn what_has_left_does_not_expire(db: TestDb) {
    let (database, store) = rows::store(&db).await;
    let mut task = rows::new_task(owner());
    task.spot.schedule.expires_at = Some(SystemClock.now().plus(Duration::from_secs(2)));
    store.create(task.clone()).await.unwrap();
    let held = claim(&store, 1, &Bounds::default()).await.remove(0);
    let planned = generation::domain::ports::PlannedAttempt {
        provider: "fake".to_owned(),
        model: "fake-1".to_owned(),
        price: types::Microusd(5_000),
    };
    let number = store.plan(held.claim, &planned).await.unwrap().unwrap();
    let step = Step::new(EventKind::Generating, 10);
    let sent = generation::domain::ports::Advance::Sent;
    store
        .advance(held.claim, number, &sent, &step)
        .await
        .unwrap();
    let back = PutBack {
        rest: Duration::ZERO,
        step: Step::saying(EventKind::Requeued, ""),
        attempt: None,
        onto: None,
    };
    store.put_back(held.claim, &back).await.unwrap();
    tokio::time::sleep(Duration::from_millis(2_010)).await;
    assert!(store.expire_due(9).await.unwrap().is_empty());
    let row = rows::task(&database, task.id.uuid()).await;
    assert_eq!((row.status.as_str(), row.expires_at), ("pending", None));
    assert_eq!(claim(&store, 1, &Bounds::default()).await.len(), 1);
}

async fn scheduled_tasks_wait_apart(db: TestDb) {
    let (database, store) = rows::store(&db).await;
    let mut later = rows::new_task(owner());
    let begin = SystemClock.now().plus(Duration::from_secs(2));
    later.spot.schedule.not_before = Some(begin);
    let accepted = store.create(later.clone()).await.unwrap();
    let place = accepted.place.unwrap();
    assert_eq!((place.position, place.starts_at), (None, Some(begin)));
    let now = order(&store, owner()).await;
    assert_eq!(next(&store).await, Some(now.patron.id));
    assert_eq!(next(&store).await, None);
    assert!(rows::task(&database, later.id.uuid()).await.resting);
    tokio::time::sleep(Duration::from_millis(2_010)).await;
    assert_eq!(next(&store).await, Some(later.patron.id));
    assert!(SystemClock.now() >= begin);
}

async fn positions_are_counted(db: TestDb) {
    let (_, store) = rows::store(&db).await;
    let many = owner();
    let mut tasks = Vec::new();
    for _ in 0..MOST_COUNTED + 5 {
        tasks.push(order(&store, many).await);
    }
    let place = async |task: &NewTask| {
        let found = store.find(task.patron.id, task.id).await.unwrap();
        found.place
    };
    let position = async |task: &NewTask| place(task).await.unwrap().position;
    let far = MOST_COUNTED as usize;
    assert_eq!(position(&tasks[0]).await, Some(1));
    assert_eq!(position(&tasks[far - 1]).await, Some(MOST_COUNTED));
    assert_eq!(position(&tasks[far + 3]).await, Some(MOST_COUNTED + 1));
    // Nobody knows yet how fast the line moves.
    assert_eq!(place(&tasks[0]).await.unwrap().starts_at, None);
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        claim(&store, 2, &Bounds::default()).await;
    }
    assert_eq!(place(&tasks[0]).await, None);
    let third = place(&tasks[8]).await.unwrap();
    assert_eq!(third.position, Some(3));
    let wait = third.starts_at.unwrap().since(SystemClock.now());
    // Two in 100 ms and a little: three take at least 150.
    assert!((140..600).contains(&wait.as_millis()), "{wait:?}");
    let last = place(&tasks[far + 4]).await.unwrap();
    assert!(last.starts_at.is_some());
}

async fn claims_look_at_living_rows_only(db: TestDb) {
    let (database, store) = rows::store(&db).await;
    for _ in 0..5 {
        order(&store, owner()).await;
    }
    let copies = "INSERT INTO tasks (id, owner, tier, kind, status, request, provider, model, ignored,
            run_at, last_sequence, created_at, updated_at, completed_at)
        SELECT {id}, owner, tier, kind, 'completed', request, provider, model, ignored, 0, 1, 1, 1, 1
        FROM tasks CROSS JOIN ({numbers}) AS many";
    let (id, numbers, explain) = match database.backend() {
        database::Backend::Postgres => (
            "gen_random_uuid()",
            "SELECT generate_series(1, 4000)",
            "EXPLAIN",
        ),
        database::Backend::Sqlite => (
            "randomblob(16)",
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 4000) SELECT i FROM n",
            "EXPLAIN QUERY PLAN",
        ),
    };
    let copies = copies.replace("{id}", id).replace("{numbers}", numbers);
    let db = database.write();
    db.execute_unprepared(&copies).await.unwrap();
    db.execute_unprepared("ANALYZE").await.unwrap();
    let plan = format!(
        "{explain} SELECT id, turn, owner, provider FROM tasks
        WHERE status = 'pending' AND NOT resting AND (expires_at IS NULL OR expires_at > 1)
        ORDER BY turn, id LIMIT 4"
    );
    let statement = Statement::from_string(db.get_database_backend(), plan);
    let lines = db.query_all_raw(statement).await.unwrap();
    let lines: Vec<String> = (lines.iter())
        .map(|row| {
            let text = row.try_get_by_index::<String>(0);
            text.or_else(|_| row.try_get_by("detail")).unwrap()
        })
        .collect();
    let text = lines.join("\n");
    assert!(text.contains("tasks_in_line"), "{text}");
    assert!(
        !text.contains("Sort") && !text.contains("TEMP B-TREE"),
        "{text}"
    );
    assert_eq!(claim(&store, 9, &Bounds::default()).await.len(), 5);
}

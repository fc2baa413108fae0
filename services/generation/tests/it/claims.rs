//! One owner at a time: claims race, fences hold, and a task has one end.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use errors::Reason;
use generation::domain::attempt::AttemptEnd;
use generation::domain::error::Error;
use generation::domain::events::{EventKind, Step};
use generation::domain::generation::Failure;
use generation::domain::ports::{Advance, Ending, PutBack, Tasks, Work};
use generation::domain::provider::Job;
use generation::domain::queue::Bounds;
use generation::domain::settlement::Resolution;
use serde_json::{Value, json};
use testkit::TestDb;
use tokio::task::JoinSet;
use types::{Clock, SystemClock, UserId};
use uuid::Uuid;

use crate::support::on_both;
use crate::support::rows::{self, LEASE, completed, planned};

on_both!(
    eight_workers_take_each_task_once,
    a_zombie_writes_nothing,
    cancel_races_completion,
    steps_told_at_once_leave_no_gap,
    resting_providers_are_left_alone,
);

async fn eight_workers_take_each_task_once(db: TestDb) {
    let (_, store) = rows::store(&db).await;
    let owner = UserId(Uuid::now_v7());
    for _ in 0..200 {
        store.create(rows::new_task(owner)).await.unwrap();
    }
    let store = Arc::new(store);
    let mut workers = JoinSet::new();
    for number in 0..8 {
        let store = Arc::clone(&store);
        workers.spawn(async move {
            let mut taken = Vec::new();
            loop {
                let some = store
                    .claim(&format!("w{number}"), 7, LEASE, &Bounds::default())
                    .await
                    .unwrap();
                assert!(some.len() <= 7);
                if some.is_empty() {
                    return taken;
                }
                taken.extend(some.into_iter().map(|one| one.claim));
            }
        });
    }
    let mut all = Vec::new();
    while let Some(taken) = workers.join_next().await {
        all.extend(taken.unwrap());
    }
    assert_eq!(all.len(), 200);
    assert!(all.iter().all(|claim| claim.fence == 1));
    let distinct: HashSet<_> = all.iter().map(|claim| claim.task).collect();
    assert_eq!(distinct.len(), 200);
}

async fn a_zombie_writes_nothing(db: TestDb) {
    let (database, store) = rows::store(&db).await;
    let (task, zombie) = rows::held(&store).await;
    let id = task.id.uuid();
    let number = store.plan(zombie.claim, &planned()).await.unwrap().unwrap();
    rows::expire(&database, id).await;
    let taken = store.claim("other", 1, LEASE, &Bounds::default()).await;
    assert_eq!(taken.unwrap()[0].claim.fence, zombie.claim.fence + 1);

    let seen = async || {
        (
            rows::task(&database, id).await,
            rows::events_of(&database, id).await,
            rows::attempts_of(&database, id).await,
            rows::owed_for(&database, id).await,
        )
    };
    let before = seen().await;
    let step = Step::new(EventKind::Generating, 50);
    let back = PutBack {
        rest: Duration::ZERO,
        step: step.clone(),
        attempt: Some(AttemptEnd::unknown(number, "")),
        onto: None,
    };
    let job = Job {
        id: "j".to_owned(),
        poll_url: None,
        ..Job::default()
    };
    let failed = Ending::Failed {
        attempt: Some(AttemptEnd::unknown(number, "")),
        failure: Failure {
            reason: Reason::Internal,
            message: String::new(),
        },
        resolution: Resolution::Suspend,
    };
    let claim = zombie.claim;
    let writes = [
        store.renew(claim, LEASE).await,
        store.plan(claim, &planned()).await.map(|_| ()),
        store.advance(claim, number, &Advance::Sent, &step).await,
        store
            .advance(claim, number, &Advance::Accepted(job), &step)
            .await,
        store.note(claim, &step).await,
        store.put_back(claim, &back).await,
        store.finish(claim, &completed(number)).await,
        store.finish(claim, &failed).await,
    ];
    for (place, write) in writes.iter().enumerate() {
        assert!(
            matches!(write, Err(Error::Lost)),
            "write {place}: {write:?}"
        );
    }
    assert_eq!(before, seen().await);
}

async fn cancel_races_completion(db: TestDb) {
    let (database, store) = rows::store(&db).await;
    let mut ends = HashSet::new();
    for round in 0..200 {
        let (task, held) = rows::held(&store).await;
        let number = store.plan(held.claim, &planned()).await.unwrap().unwrap();
        let step = Step::new(EventKind::Generating, 10);
        store
            .advance(held.claim, number, &Advance::Sent, &step)
            .await
            .unwrap();
        let [left, right] = [store.clone(), store.clone()];
        let finish = tokio::spawn(async move { left.finish(held.claim, &completed(number)).await });
        let cancel = tokio::spawn(async move {
            if round % 2 == 0 {
                tokio::task::yield_now().await;
            }
            right
                .cancel(task.patron.id, task.id, &[], SystemClock.now())
                .await
        });
        let (finished, cancelled) = (finish.await.unwrap(), cancel.await.unwrap());
        let row = rows::task(&database, task.id.uuid()).await;
        let (status, resolution) = (row.status, row.resolution.unwrap());
        let owed = rows::owed_for(&database, task.id.uuid()).await;
        match status.as_str() {
            "completed" => {
                assert!(finished.is_ok() && matches!(cancelled, Err(Error::Ended(_))));
                assert_eq!(resolution, r#"{"settle":{}}"#);
            }
            "cancelled" => {
                assert!(matches!(finished, Err(Error::Lost)) && cancelled.unwrap().1);
                let paid = json!({"attempt": number, "provider": "fake", "model": "fake-1",
                    "generations": 0, "microusd": 5_000});
                let resolution: Value = serde_json::from_str(&resolution).unwrap();
                assert_eq!(resolution, json!({"settle": {"charges": [paid]}}));
            }
            other => panic!("a task ended {other}"),
        }
        // The order had left, so it is paid either way; but once.
        assert_eq!(owed, ["confirm", "settle"]);
        rows::assert_whole_story(&database, task.id.uuid()).await;
        let attempts = rows::attempts_of(&database, task.id.uuid()).await;
        assert!(["succeeded", "unknown"].contains(&attempts[0].state.as_str()));
        ends.insert(status);
    }
    // Both must win now and then, or this raced nothing.
    assert_eq!(ends.len(), 2, "{ends:?}");
}

async fn steps_told_at_once_leave_no_gap(db: TestDb) {
    let (database, store) = rows::store(&db).await;
    let (task, held) = rows::held(&store).await;
    let mut tellers = JoinSet::new();
    for progress in 0..20 {
        let store = store.clone();
        let step = Step::new(EventKind::Generating, progress);
        tellers.spawn(async move { store.note(held.claim, &step).await });
    }
    while let Some(told) = tellers.join_next().await {
        told.unwrap().unwrap();
    }
    store
        .cancel(task.patron.id, task.id, &[], SystemClock.now())
        .await
        .unwrap();
    assert_eq!(rows::events_of(&database, task.id.uuid()).await.len(), 23);
    rows::assert_whole_story(&database, task.id.uuid()).await;
}

async fn resting_providers_are_left_alone(db: TestDb) {
    let (database, store) = rows::store(&db).await;
    let waiting = rows::new_task(UserId(Uuid::now_v7()));
    store.create(waiting.clone()).await.unwrap();
    let avoid = Bounds {
        avoid: vec!["fake".to_owned()],
        ..Bounds::default()
    };
    assert!(store.claim("w", 9, LEASE, &avoid).await.unwrap().is_empty());
    // One that a worker had begun goes on all the same: it may be waited for at the provider.
    assert_eq!(
        store
            .claim("w", 9, LEASE, &Bounds::default())
            .await
            .unwrap()
            .len(),
        1
    );
    rows::expire(&database, waiting.id.uuid()).await;
    assert_eq!(store.claim("w", 9, LEASE, &avoid).await.unwrap().len(), 1);
}

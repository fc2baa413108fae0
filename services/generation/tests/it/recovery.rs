//! A worker dies at each step; the next goes on without ordering twice.

use std::sync::Arc;
use std::time::Duration;

use contracts::generation::v1::generation::Status as State;
use generation::domain::events::{EventKind, Step};
use generation::domain::ports::{Advance, Claim, PlannedAttempt, Work};
use generation::domain::provider::Job;
use generation::domain::queue::Bounds;
use generation::domain::routing::Entry;
use testkit::TestDb;
use types::Microusd;

use crate::support::rows::{self, LEASE};
use crate::support::suite::{Options, User, order};
use crate::support::{Play, Scripted, Suite, on_both};

on_both!(
    died_after_the_claim,
    died_after_planning,
    died_after_sending,
    died_after_sending_what_is_repeatable,
    died_after_the_job_was_known,
    a_heartbeat_keeps_what_takes_long,
    a_lost_task_is_let_go_at_once,
    a_provider_that_is_gone_fails_its_tasks,
);

enum Death {
    Claimed,
    Planned,
    Sent,
    Accepted,
}

// Lets a worker of another process take the task as far as its death, and a new process go on.
async fn die(db: TestDb, provider: &Arc<Scripted>, death: Death) -> (Suite, User, String) {
    let entry = Entry::ready(provider.clone(), true);
    let idle = Options {
        workers: 0,
        ..Options::default()
    };
    let mut suite = Suite::start(db, vec![entry], idle).await;
    let user = suite.user();
    let made = user.create(order("a fox")).await.unwrap();
    let store = suite.store();
    let claimed = store
        .claim("dead", 1, LEASE, &Bounds::default())
        .await
        .unwrap();
    walk(&store, claimed[0].claim, death).await;
    rows::expire(&suite.db, made.id.parse().unwrap()).await;
    suite.restart(Options::default()).await;
    let user = suite.user_again(user.id);
    (suite, user, made.id)
}

async fn walk(store: &impl Work, claim: Claim, death: Death) {
    if matches!(death, Death::Claimed) {
        return;
    }
    let planned = PlannedAttempt {
        provider: "fake".to_owned(),
        model: "fake-1".to_owned(),
        price: Microusd(5_000),
    };
    let number = store.plan(claim, &planned).await.unwrap().unwrap();
    if matches!(death, Death::Planned) {
        return;
    }
    let step = Step::new(EventKind::Generating, 10);
    store
        .advance(claim, number, &Advance::Sent, &step)
        .await
        .unwrap();
    if matches!(death, Death::Sent) {
        return;
    }
    let job = Job {
        id: "job-of-the-dead".to_owned(),
        poll_url: Some("https://example.test/job".to_owned()),
        ..Job::default()
    };
    let advance = Advance::Accepted(job);
    store.advance(claim, number, &advance, &step).await.unwrap();
}

async fn states(suite: &Suite, id: &str) -> Vec<String> {
    let attempts = rows::attempts_of(&suite.db, id.parse().unwrap()).await;
    attempts.into_iter().map(|one| one.state).collect()
}

async fn died_after_the_claim(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let (suite, user, id) = die(db, &provider, Death::Claimed).await;
    assert_eq!(user.finished(&id).await.status(), State::Completed);
    assert_eq!(provider.sends(), 1);
    assert_eq!(states(&suite, &id).await, ["succeeded"]);
    rows::assert_whole_story(&suite.db, id.parse().unwrap()).await;
}

async fn died_after_planning(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let (suite, user, id) = die(db, &provider, Death::Planned).await;
    let done = user.finished(&id).await;
    assert_eq!((done.status(), done.attempts), (State::Completed, 1));
    assert_eq!(provider.sends(), 1);
    assert_eq!(states(&suite, &id).await, ["failed", "succeeded"]);
}

async fn died_after_sending(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let (suite, user, id) = die(db, &provider, Death::Sent).await;
    let done = user.finished(&id).await;
    assert_eq!(done.status(), State::Failed);
    assert_eq!(done.error.unwrap().reason, "PROVIDER_OUTCOME_UNKNOWN");
    // It may have been paid: it is not sent again.
    assert_eq!(provider.sends(), 0);
    assert_eq!(states(&suite, &id).await, ["unknown"]);
    rows::assert_whole_story(&suite.db, id.parse().unwrap()).await;
}

async fn died_after_sending_what_is_repeatable(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000).repeatable());
    let (suite, user, id) = die(db, &provider, Death::Sent).await;
    let done = user.finished(&id).await;
    assert_eq!((done.status(), done.attempts), (State::Completed, 2));
    assert_eq!(provider.sends(), 1);
    assert_eq!(states(&suite, &id).await, ["failed", "succeeded"]);
}

async fn died_after_the_job_was_known(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let (suite, user, id) = die(db, &provider, Death::Accepted).await;
    let done = user.finished(&id).await;
    assert_eq!((done.status(), done.attempts), (State::Completed, 1));
    // Asked about, not ordered again.
    assert_eq!(provider.sends(), 0);
    let asked = provider.asked.lock().unwrap().clone();
    assert_eq!(asked[0].id, "job-of-the-dead");
    assert_eq!(states(&suite, &id).await, ["succeeded"]);
}

async fn a_heartbeat_keeps_what_takes_long(db: TestDb) {
    let provider = Arc::new(
        Scripted::new("fake", 5_000)
            .plays([Play::Accept("job")])
            .polled([Play::Busy(10), Play::Busy(20)]),
    );
    let short = Options {
        lease: Duration::from_millis(400),
        ..Options::default()
    };
    let entry = Entry::ready(provider.clone(), true);
    let suite = Suite::start(db, vec![entry], short).await;
    let user = suite.user();
    let made = user.create(order("a fox")).await.unwrap();
    assert_eq!(user.finished(&made.id).await.status(), State::Completed);
    let row = rows::task(&suite.db, made.id.parse().unwrap()).await;
    assert!(row.updated_at - row.created_at > 1_000_000);
    assert_eq!(row.fence, 1);
}

async fn a_lost_task_is_let_go_at_once(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000).plays([Play::Hang]));
    let one = Options {
        workers: 1,
        lease: Duration::from_millis(600),
        ..Options::default()
    };
    let entry = Entry::ready(provider.clone(), true);
    let suite = Suite::start(db, vec![entry], one).await;
    let user = suite.user();
    let made = user.create(order("a fox")).await.unwrap();
    while provider.sends() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Another worker takes it, as after a partition.
    let store = suite.store();
    let id = made.id.parse().unwrap();
    let taken = loop {
        rows::expire(&suite.db, id).await;
        let taken = store
            .claim("other", 1, LEASE, &Bounds::default())
            .await
            .unwrap();
        if let [one] = taken.as_slice() {
            break one.claim;
        }
    };
    assert_eq!(taken.fence, 2);
    // The worker that lost it is free for the next order, though its provider never answered.
    let next = user.create(order("a hare")).await.unwrap();
    assert_eq!(user.finished(&next.id).await.status(), State::Completed);
    let row = rows::task(&suite.db, id).await;
    assert_eq!((row.fence, row.worker.as_deref()), (2, Some("other")));
    assert_eq!(row.status, "processing");
}

async fn a_provider_that_is_gone_fails_its_tasks(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let idle = Options {
        workers: 0,
        ..Options::default()
    };
    let mut suite = Suite::start(db, vec![Entry::ready(provider, true)], idle).await;
    let user = suite.user();
    let made = user.create(order("a fox")).await.unwrap();
    suite.forget_providers();
    suite.restart(Options::default()).await;
    let user = suite.user_again(user.id);
    let done = user.finished(&made.id).await;
    assert_eq!(done.error.unwrap().reason, "NO_PROVIDER");
    rows::assert_whole_story(&suite.db, made.id.parse().unwrap()).await;
}

//! Owners end what they ordered.

use std::sync::Arc;
use std::time::Duration;

use contracts::generation::v1::generation::Status as State;
use contracts::policy::v1::policy::Meter::{Generations, Microusd as Money};
use errors::Reason;
use generation::domain::routing::Entry;
use testkit::TestDb;
use tonic::Code;

use crate::money::{reservation_of, resolved};
use crate::support::suite::{Options, order};
use crate::support::usage::Held;
use crate::support::{Play, Scripted, Suite, on_both, rows};

on_both!(
    what_waits,
    what_is_under_way,
    a_job_costs_what_was_said,
    what_has_ended
);

async fn what_waits(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let idle = Options {
        workers: 0,
        ..Options::default()
    };
    let suite = Suite::start(db, vec![Entry::ready(provider.clone(), true)], idle).await;
    let user = suite.user();
    let made = user.create(order("a fox")).await.unwrap();
    let stranger = suite.user().cancel(&made.id).await.unwrap_err();
    assert_eq!(stranger.code(), Code::NotFound);
    let cancelled = user.cancel(&made.id).await.unwrap();
    assert_eq!(cancelled.status(), State::Cancelled);
    assert!(cancelled.completed_at.is_some());
    // Once more changes nothing.
    assert_eq!(user.cancel(&made.id).await.unwrap(), cancelled);
    rows::assert_whole_story(&suite.db, made.id.parse().unwrap()).await;
    assert_eq!(provider.sends(), 0);
    assert_eq!(
        resolved(&suite, reservation_of(&made)).await,
        Held::Released
    );
}

async fn what_is_under_way(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000).plays([Play::Hang]));
    let one = Options {
        workers: 1,
        ..Options::default()
    };
    let suite = Suite::start(db, vec![Entry::ready(provider.clone(), true)], one).await;
    let user = suite.user();
    let made = user.create(order("a fox")).await.unwrap();
    user.until(&made.id, |one| one.progress == 10).await;
    while provider.sends() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(
        user.cancel(&made.id).await.unwrap().status(),
        State::Cancelled
    );
    // The one worker is free again at once, long before the provider's time is up.
    let next = user.create(order("a hare")).await.unwrap();
    assert_eq!(user.finished(&next.id).await.status(), State::Completed);
    let attempts = rows::attempts_of(&suite.db, made.id.parse().unwrap()).await;
    assert_eq!(attempts[0].state, "unknown");
    rows::assert_whole_story(&suite.db, made.id.parse().unwrap()).await;
    // The order had left, so its provider will bill it: the generation goes back, the money does not.
    let reservation = reservation_of(&made);
    assert_eq!(resolved(&suite, reservation).await, Held::Settled);
    assert_eq!(
        suite.peers.usage.actuals(reservation),
        [(Generations, 0), (Money, 5_000)]
    );
    assert_eq!(user.get(&made.id).await.unwrap().cost_microusd, 5_000);
}

async fn a_job_costs_what_was_said(db: TestDb) {
    let jobs = [Play::Accept("job"), Play::AcceptFor(-7)];
    let provider = Arc::new(
        Scripted::new("fake", 5_000)
            .plays(jobs)
            .polled([Play::Hang, Play::Hang]),
    );
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    for cost in [7_000, 5_000] {
        let made = user.create(order("a fox")).await.unwrap();
        user.until(&made.id, |one| one.progress == 20).await;
        let cancelled = user.cancel(&made.id).await.unwrap();
        assert_eq!(cancelled.cost_microusd, cost);
        let reservation = reservation_of(&made);
        assert_eq!(resolved(&suite, reservation).await, Held::Settled);
        assert_eq!(
            suite.peers.usage.actuals(reservation),
            [(Generations, 0), (Money, cost)]
        );
    }
}

async fn what_has_ended(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let made = user.create(order("a fox")).await.unwrap();
    user.finished(&made.id).await;
    let refused = user.cancel(&made.id).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let fault = errors::from_status(refused);
    assert_eq!(fault.reason, Reason::WrongState);
    assert_eq!(fault.metadata["status"], "COMPLETED");
}

//! Orders that wait: how many may, for how long, and what their owners see of it.

use std::sync::Arc;
use std::time::Duration;

use contracts::generation::v1::CreateGenerationRequest;
use contracts::generation::v1::generation::Status as State;
use errors::Reason;
use generation::domain::routing::{Entry, Limits};
use prost_types::{Duration as Span, Timestamp as Moment};
use testkit::TestDb;
use types::{Clock, SystemClock};

use crate::support::suite::{Options, User, order, sealed};
use crate::support::usage::Held;
use crate::support::{Play, Scripted, Suite, on_both};

on_both!(
    a_full_queue_takes_nothing_and_keeps_nothing,
    times_are_checked,
    what_waited_too_long_costs_nothing,
    an_order_for_later_begins_later,
    running_tasks_of_one_provider_are_bounded,
);

async fn idle(db: TestDb, max_pending: u64) -> Suite {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let options = Options {
        workers: 0,
        max_pending,
        ..Options::default()
    };
    Suite::start(db, vec![Entry::ready(provider, true)], options).await
}

async fn becomes(suite: &Suite, count: usize, state: Held) {
    for _ in 0..400 {
        let held: Vec<Held> = {
            let reservations = suite.peers.usage.reservations.lock().unwrap();
            reservations.values().copied().collect()
        };
        if held.iter().filter(|one| **one == state).count() == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{:?}", suite.peers.usage.calls.lock());
}

async fn a_full_queue_takes_nothing_and_keeps_nothing(db: TestDb) {
    let suite = idle(db, 2).await;
    let user = suite.user();
    for position in [1, 2] {
        let made = user.create(order("a fox")).await.unwrap();
        assert_eq!(made.queue_position, Some(position));
    }
    let fault = errors::from_status(user.create(order("a fox")).await.unwrap_err());
    assert_eq!(
        (fault.reason, fault.message.as_str()),
        (
            Reason::QueueFull,
            "2 of your generations wait already, which is as many as may; order again when one has begun"
        )
    );
    assert_eq!(fault.metadata["limit"], "2");
    assert_eq!(fault.retry_after, Some(Duration::from_secs(5)));
    becomes(&suite, 1, Held::Released).await;
    // What the gateway set aside goes back as well.
    let reservation = suite.peers.usage.set_aside();
    let receipt = sealed(&user.receipt(reservation));
    let refused = user.create_with(order("a fox"), &receipt).await;
    let fault = errors::from_status(refused.unwrap_err());
    assert_eq!(fault.reason, Reason::QueueFull);
    becomes(&suite, 2, Held::Released).await;
    // Nobody else waits for that; and one that is cancelled makes room.
    let other = suite.user();
    let theirs = other.create(order("a fox")).await.unwrap();
    other.cancel(&theirs.id).await.unwrap();
    for _ in 0..2 {
        other.create(order("a fox")).await.unwrap();
    }
}

fn timed(not_before: Option<i64>, expire_after: Option<(i64, i32)>) -> CreateGenerationRequest {
    let now = SystemClock.now().micros() / 1_000_000;
    CreateGenerationRequest {
        not_before: not_before.map(|seconds| Moment {
            seconds: now.saturating_add(seconds),
            nanos: 0,
        }),
        expire_after: expire_after.map(|(seconds, nanos)| Span { seconds, nanos }),
        ..order("a fox")
    }
}

async fn times_are_checked(db: TestDb) {
    const DAY: i64 = 86_400;
    let suite = idle(db, 0).await;
    let user = suite.user();
    let life = "expireAfter: must be 1s to 2592000s (30 days)";
    let horizon = "notBefore: must be at most 30 days from now";
    for (order, expected) in [
        (timed(Some(31 * DAY), None), horizon),
        (timed(Some(i64::MAX), None), horizon),
        (timed(None, Some((0, 0))), life),
        (timed(None, Some((-5, 0))), life),
        (timed(None, Some((0, 999_999_999))), life),
        (timed(None, Some((i64::MAX, i32::MAX))), life),
        (timed(None, Some((30 * DAY, 1))), life),
        (
            timed(Some(60), Some((30, 0))),
            "expireAfter: must end after notBefore",
        ),
    ] {
        let fault = errors::from_status(user.create(order).await.unwrap_err());
        let found = &fault.violations[0];
        assert_eq!(format!("{}: {}", found.field, found.description), expected);
        assert_eq!(fault.violations.len(), 1);
    }
    let fine = [
        timed(Some(29 * DAY), Some((30 * DAY, 0))),
        timed(Some(-DAY), Some((1, 0))),
    ];
    for order in fine {
        user.create(order).await.unwrap();
    }
}

async fn what_waited_too_long_costs_nothing(db: TestDb) {
    let suite = idle(db, 0).await;
    let user = suite.user();
    let made = user.create(timed(None, Some((1, 0)))).await.unwrap();
    let ends: types::Timestamp = types::Timestamp(made.expires_at.unwrap().seconds * 1_000_000);
    assert!(ends.since(SystemClock.now()) <= Duration::from_secs(1));
    let done = user.finished(&made.id).await;
    assert_eq!(done.status(), State::Failed);
    assert_eq!(done.error.unwrap().reason, "EXPIRED");
    assert_eq!((done.cost_microusd, done.attempts), (0, 0));
    assert_eq!(user.watch(&made.id, 0).await.unwrap().len(), 2);
    becomes(&suite, 1, Held::Released).await;
}

async fn an_order_for_later_begins_later(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let later = timed(Some(2), Some((60, 0)));
    let begin = later.not_before.unwrap();
    let made = user.create(later).await.unwrap();
    assert_eq!((made.status(), made.queue_position), (State::Pending, None));
    assert_eq!(made.estimated_start_at, Some(begin));
    let done = user.finished(&made.id).await;
    assert_eq!(done.status(), State::Completed);
    assert_eq!(done.estimated_start_at, None);
    assert!(done.completed_at.unwrap().seconds >= begin.seconds);
}

async fn running_tasks_of_one_provider_are_bounded(db: TestDb) {
    let slow = Arc::new(Scripted::new("slow", 5_000).plays([Play::Hang, Play::Hang]));
    let quick = Arc::new(Scripted::new("quick", 9_000));
    let limits = Limits {
        max_running: 1,
        ..Limits::default()
    };
    let entries = vec![
        Entry::ready(slow.clone(), true).limited(limits),
        Entry::ready(quick.clone(), true),
    ];
    let suite = Suite::start(db, entries, Options::default()).await;
    let user: User = suite.user();
    let by = |name: &str| {
        let mut order = order("a fox");
        order.image.as_mut().unwrap().provider = name.to_owned();
        order
    };
    for _ in 0..3 {
        user.create(by("slow")).await.unwrap();
    }
    let made = user.create(by("quick")).await.unwrap();
    assert_eq!(user.finished(&made.id).await.status(), State::Completed);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!((slow.sends(), quick.sends()), (1, 1));
}

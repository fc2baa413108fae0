//! A worker is halted between writing its order down and sending it: nothing has left, so nothing is lost,
//! nothing is sent twice and nothing is paid for it. Red when a worker leaves without a word what it wrote
//! down as sent, when that is given back as though its order had left, and when an answer that was heard, and
//! not written down before its task was cancelled, is forgotten.

use std::sync::Arc;
use std::time::Duration;

use contracts::generation::v1::Generation;
use contracts::generation::v1::generation::Status as State;
use contracts::policy::v1::policy::Meter::{Generations, Microusd as Money};
use generation::domain::error::Error;
use generation::domain::events::{EventKind, Step};
use generation::domain::ports::{Advance, Claim, Work};
use generation::domain::routing::Entry;
use generation::domain::speed::Tallies;
use testkit::TestDb;
use types::GenerationId;

use crate::money::{reservation_of, resolved};
use crate::strays::settled;
use crate::support::halted::{At, Halted};
use crate::support::rows::{self, LEASE};
use crate::support::suite::{Options, User, order};
use crate::support::usage::Held;
use crate::support::{Scripted, Suite, on_both};
use crate::unknown::unknown;

on_both!(
    stopped_with_a_plan,
    stopped_before_it_was_written,
    stopped_after_it_was_written,
    cut_off_with_a_plan,
    cut_off_before_it_was_written,
    cut_off_after_it_was_written,
    taken_over_after_it_was_written,
    cancelled_with_its_result_in_hand,
);

struct Scene {
    suite: Suite,
    provider: Arc<Scripted>,
    user: User,
    made: Generation,
    worker: Halted,
}

// A task in the hands of a worker that stands still.
async fn scene(db: TestDb, at: At, lease: Duration, renews: bool) -> Scene {
    scene_of(db, Scripted::new("fake", 5_000), at, (lease, renews)).await
}

async fn scene_of(
    db: TestDb,
    provider: Scripted,
    at: At,
    (lease, renews): (Duration, bool),
) -> Scene {
    let provider = Arc::new(provider);
    let entry = Entry::ready(provider.clone(), true);
    let idle = Options {
        workers: 0,
        ..Options::default()
    };
    let suite = Suite::start(db, vec![entry.clone()], idle).await;
    let user = suite.user();
    let made = user.create(order("a fox")).await.unwrap();
    let worker = Halted::start(suite.store(), entry, at, lease, renews);
    worker.stands().await;
    Scene {
        suite,
        provider,
        user,
        made,
        worker,
    }
}

impl Scene {
    fn task(&self) -> GenerationId {
        self.made.id.parse().unwrap()
    }

    // Another worker orders once, and that is all there is to pay.
    async fn goes_on_as_if_nothing_had_been(&self) {
        let _others = self.suite.beside(Options::default()).await;
        let done = self.user.finished(&self.made.id).await;
        assert_eq!((done.status(), done.attempts), (State::Completed, 1));
        assert_eq!(self.provider.sends(), 1);
        let attempts = rows::attempts_of(&self.suite.db, self.task().uuid()).await;
        let told = attempts.iter().map(|one| (one.state.as_str(), one.sent_at));
        let told: Vec<_> = told.map(|(state, at)| (state, at.is_some())).collect();
        assert_eq!(told, [("failed", false), ("succeeded", true)]);
        assert_eq!(attempts[0].error_class.as_deref(), Some("abandoned"));
        let reservation = reservation_of(&self.made);
        assert_eq!(resolved(&self.suite, reservation).await, Held::Settled);
        assert_eq!(
            self.suite.peers.usage.actuals(reservation),
            [(Generations, 1), (Money, 5_000)]
        );
        rows::assert_whole_story(&self.suite.db, self.task().uuid()).await;
        // Who was not asked did not fail.
        let tallies = self.suite.store().tallies().await.unwrap();
        let counted = tallies.iter().map(|one| (one.count, one.failures));
        assert_eq!(counted.collect::<Vec<_>>(), [(1, 0)]);
    }
}

async fn stopped(db: TestDb, at: At) {
    let mut scene = scene(db, at, LEASE, true).await;
    scene.worker.stop().await;
    let row = rows::task(&scene.suite.db, scene.task().uuid()).await;
    assert_eq!((row.status.as_str(), row.lease_until), ("pending", None));
    // What it had handed in, and comes only now, changes nothing any more.
    let claim = Claim {
        task: scene.task(),
        fence: 1,
    };
    let step = Step::new(EventKind::Generating, 10);
    let store = scene.suite.store();
    let late = store.advance(claim, 1, &Advance::Sent, &step).await;
    assert!(matches!(late, Err(Error::Lost)));
    scene.goes_on_as_if_nothing_had_been().await;
}

async fn stopped_with_a_plan(db: TestDb) {
    stopped(db, At::Planned).await;
}

async fn stopped_before_it_was_written(db: TestDb) {
    stopped(db, At::Sending).await;
}

async fn stopped_after_it_was_written(db: TestDb) {
    stopped(db, At::Sent).await;
}

// Its lease runs out by its own clock; by the database's a little later.
async fn cut_off(db: TestDb, at: At) {
    let scene = scene(db, at, Duration::from_millis(500), false).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    scene.goes_on_as_if_nothing_had_been().await;
}

async fn cut_off_with_a_plan(db: TestDb) {
    cut_off(db, At::Planned).await;
}

async fn cut_off_before_it_was_written(db: TestDb) {
    cut_off(db, At::Sending).await;
}

async fn cut_off_after_it_was_written(db: TestDb) {
    cut_off(db, At::Sent).await;
}

// Whoever takes it over cannot know that nothing has left: the generation is given up, and its money goes
// back once the worker that knows it is heard.
async fn taken_over_after_it_was_written(db: TestDb) {
    let scene = scene(db, At::Sent, Duration::from_millis(600), true).await;
    let _others = scene.suite.beside(Options::default()).await;
    while rows::task(&scene.suite.db, scene.task().uuid()).await.fence == 1 {
        rows::expire(&scene.suite.db, scene.task().uuid()).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let done = scene.user.finished(&scene.made.id).await;
    assert_eq!(done.error.unwrap().reason, "PROVIDER_OUTCOME_UNKNOWN");
    let held = settled(&scene.suite, reservation_of(&scene.made)).await;
    assert_eq!((held, scene.provider.sends()), (Held::Released, 0));
    assert!(unknown(&scene.suite).await.is_empty());
}

// The provider could have stopped it, but was done: what it cost is known to the worker alone.
async fn cancelled_with_its_result_in_hand(db: TestDb) {
    let provider = Scripted::new("fake", 5_000).stopped_by([]);
    let short = (Duration::from_millis(600), true);
    let scene = scene_of(db, provider, At::Made, short).await;
    let cancelled = scene.user.cancel(&scene.made.id).await.unwrap();
    assert_eq!(cancelled.status(), State::Cancelled);
    let reservation = reservation_of(&scene.made);
    assert_eq!(settled(&scene.suite, reservation).await, Held::Settled);
    assert_eq!(
        scene.suite.peers.usage.actuals(reservation),
        [(Generations, 0), (Money, 5_000)]
    );
    assert!(unknown(&scene.suite).await.is_empty());
}

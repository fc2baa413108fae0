//! A thousand owners cancel what is just being done: each generation ends once, tells of it once, and is paid
//! as it ended; nothing is left behind. Red when a cancellation does not see that a result is being kept, and
//! when a worker's end is not bound to its claim.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use contracts::generation::v1::Generation;
use contracts::generation::v1::generation::Status as State;
use contracts::policy::v1::policy::Meter::{Generations, Microusd as Money};
use errors::Reason;
use futures::StreamExt;
use futures::stream;
use generation::domain::routing::Entry;
use generation::store::entity::{attempts, events, outbox, outputs, tasks};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use testkit::TestDb;
use types::ReservationId;
use uuid::Uuid;

use crate::support::suite::{Options, User, order};
use crate::support::usage::Held;
use crate::support::{Play, Scripted, Suite};

const AT_ONCE: usize = 48;
const PRICE: i64 = 5_000;
const JOB: i64 = 7_000;
const STORING: i32 = 90;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_races_on_postgres() {
    race(TestDb::postgres("generation").await, 1_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_races_on_sqlite() {
    race(TestDb::sqlite("generation").await, 200).await;
}

// At once, after a while, as a job.
fn plays(number: usize) -> Vec<Play> {
    let rest = |number: usize| Duration::from_millis(u64::try_from(number * 31 % 60).unwrap());
    let play = |number: usize| match number % 3 {
        0 => Play::Paint,
        1 => Play::PaintAfter(rest(number)),
        _ => Play::AcceptAfter(rest(number), "job"),
    };
    (0..number).map(play).collect()
}

async fn race(db: TestDb, number: usize) {
    let plain = Arc::new(Scripted::new("plain", PRICE).plays(plays(number)));
    let stoppable = Scripted::new("stoppable", PRICE).plays(plays(number));
    let stoppable = Arc::new(stoppable.stopped_by([]));
    let entries = vec![
        Entry::ready(plain.clone(), true),
        Entry::ready(stoppable.clone(), true),
    ];
    let options = Options {
        workers: 24,
        ..Options::default()
    };
    let suite = Suite::start(db, entries, options).await;
    let users: Vec<User> = (0..8).map(|_| suite.user()).collect();
    let cancels = (0..number).map(|place| cancel(&users[place % users.len()], place));
    let made: Vec<(Uuid, bool)> = stream::iter(cancels)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    settle_down(&suite).await;

    let mut sends: HashMap<Uuid, usize> = HashMap::new();
    for provider in [&plain, &stoppable] {
        for order in provider.orders.lock().unwrap().iter() {
            *sends.entry(order.client_ref.parse().unwrap()).or_default() += 1;
        }
    }
    let lives = lives(&suite).await;
    assert_eq!(lives.len(), number);
    let mut ends: HashMap<(&str, Held), usize> = HashMap::new();
    for (id, was_cancelled) in made {
        let life = &lives[&id];
        assert_eq!(life.task.status == "cancelled", was_cancelled);
        assert!(sends.get(&id).copied().unwrap_or_default() <= 1, "{id}");
        let held = life.assert_is_whole(&suite);
        *ends.entry((life.task.status.as_str(), held)).or_default() += 1;
    }
    // Each way to end was met.
    for end in [
        ("completed", Held::Settled),
        ("cancelled", Held::Settled),
        ("cancelled", Held::Released),
    ] {
        assert!(ends.contains_key(&end), "{ends:?}");
    }
    let kept = suite.peers.files.lock().unwrap().len();
    assert_eq!(kept, ends[&("completed", Held::Settled)]);
}

// Whether the cancellation ended it.
async fn cancel(user: &User, place: usize) -> (Uuid, bool) {
    let mut order = order("a fox");
    let provider = ["plain", "stoppable"][place % 2];
    provider.clone_into(&mut order.image.as_mut().unwrap().provider);
    let made = user.create(order).await.unwrap();
    match place % 8 {
        // As late as can be, however slow the machine is.
        0 => {
            let is_late = |one: &Generation| one.progress >= STORING || one.completed_at.is_some();
            user.until(&made.id, is_late).await;
        }
        _ => {
            let rest = u64::try_from(place * 7_919 % 160).unwrap();
            tokio::time::sleep(Duration::from_millis(rest)).await;
        }
    }
    let is_cancelled = match user.cancel(&made.id).await {
        Ok(told) => {
            assert_eq!(told.status(), State::Cancelled);
            true
        }
        Err(status) => {
            let fault = errors::from_status(status);
            assert_eq!(fault.reason, Reason::WrongState, "{fault:?}");
            false
        }
    };
    (made.id.parse().unwrap(), is_cancelled)
}

// Until nothing is under way, nothing is owed, and nobody waits to know a cost.
async fn settle_down(suite: &Suite) {
    let db = suite.db.write();
    for _ in 0..1_200 {
        let living = tasks::Entity::find()
            .filter(tasks::Column::Status.is_in(["pending", "processing"]))
            .count(db);
        let owed = outbox::Entity::find().count(db);
        let in_doubt = attempts::Entity::find()
            .filter(attempts::Column::State.eq("unknown"))
            .filter(attempts::Column::CostMicrousd.is_null())
            .count(db);
        let left = living.await.unwrap() + owed.await.unwrap() + in_doubt.await.unwrap();
        if left == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let left = attempts::Entity::find().filter(attempts::Column::CostMicrousd.is_null());
    panic!("left under way: {:?}", left.all(db).await);
}

struct Life {
    task: tasks::Model,
    attempts: Vec<attempts::Model>,
    events: Vec<events::Model>,
    outputs: usize,
}

async fn lives(suite: &Suite) -> HashMap<Uuid, Life> {
    let db = suite.db.write();
    let found = tasks::Entity::find().all(db).await.unwrap();
    let life = |task: tasks::Model| Life {
        task,
        attempts: Vec::new(),
        events: Vec::new(),
        outputs: 0,
    };
    let mut lives: HashMap<Uuid, Life> = found.into_iter().map(|t| (t.id, life(t))).collect();
    for attempt in attempts::Entity::find().all(db).await.unwrap() {
        let life = lives.get_mut(&attempt.task_id).unwrap();
        life.attempts.push(attempt);
    }
    for event in events::Entity::find().all(db).await.unwrap() {
        lives.get_mut(&event.task_id).unwrap().events.push(event);
    }
    for output in outputs::Entity::find().all(db).await.unwrap() {
        lives.get_mut(&output.task_id).unwrap().outputs += 1;
    }
    for life in lives.values_mut() {
        life.events.sort_by_key(|event| event.sequence);
    }
    lives
}

impl Life {
    fn end(&self) -> &events::Model {
        self.events.last().unwrap()
    }

    // What became of its reservation.
    fn assert_is_whole(&self, suite: &Suite) -> Held {
        let task = &self.task;
        let numbers: Vec<i64> = self.events.iter().map(|event| event.sequence).collect();
        let all = i64::try_from(numbers.len()).unwrap();
        assert_eq!(numbers, (1..=all).collect::<Vec<_>>());
        let ends = ["completed", "failed", "cancelled"];
        let finals = self.events.iter();
        let finals = finals.filter(|event| ends.contains(&event.kind.as_str()));
        assert_eq!(finals.count(), 1, "{:?}", self.events);
        assert_eq!(
            (&self.end().kind, &self.end().status),
            (&task.status, &task.status)
        );
        assert_eq!(
            (task.lease_until, task.worker.as_ref(), task.keeping),
            (None, None, false)
        );
        assert!(self.attempts.len() <= 1, "{:?}", self.attempts);

        let id = ReservationId(task.id);
        let held = suite.peers.usage.reservations.lock().unwrap()[&id];
        let attempt = self.attempts.first();
        let state = attempt.map(|one| one.state.as_str());
        let cost = attempt.and_then(|one| one.cost_microusd).unwrap_or(0);
        assert_eq!(task.cost_microusd, cost);
        match (task.status.as_str(), state) {
            ("completed", Some("succeeded")) => {
                assert_eq!((held, self.outputs), (Held::Settled, 1));
                assert!([PRICE, JOB].contains(&cost), "{cost}");
                let actuals = suite.peers.usage.actuals(id);
                assert_eq!(actuals, [(Generations, 1), (Money, cost)]);
            }
            // It had left, as far as its record goes.
            ("cancelled", Some("unknown")) if cost > 0 => {
                assert_eq!((held, self.outputs), (Held::Settled, 0));
                assert!([PRICE, JOB].contains(&cost), "{cost}");
                let actuals = suite.peers.usage.actuals(id);
                assert_eq!(actuals, [(Generations, 0), (Money, cost)]);
            }
            ("cancelled", None | Some("failed" | "unknown")) => {
                assert_eq!((held, self.outputs), (Held::Released, 0));
                assert!(!suite.peers.usage.settled.lock().unwrap().contains_key(&id));
            }
            other => panic!("{other:?}: {:?}", self.attempts),
        }
        held
    }
}

//! What the tests share: books on a real database, and the questions asked of them.

use std::sync::Arc;
use std::time::Duration;

use database::Database;
use sea_orm::{ConnectionTrait, Statement};
use testkit::{ManualClock, TestDb};
use time::macros::datetime;
use tokio::sync::Barrier;
use types::{OperationId, SystemIds, Timestamp, UserId};
use usage::domain::meter::Meter;
use usage::domain::reservation::Ask;
use usage::domain::usage::Usage;
use usage::store::{Migrator, SqlBook};
use uuid::Uuid;

pub const HOLD: Duration = Duration::from_secs(900);

/// One process' view of a database.
#[derive(Clone)]
pub struct Books {
    pub usage: Arc<Usage>,
    pub db: Database,
    pub clock: ManualClock,
    plans: String,
}

impl Books {
    /// Opens migrated books; their clock shows noon of 2026-11-20.
    pub async fn open(test: &TestDb, plans: &str) -> Self {
        let mut settings = test.settings();
        // Hundreds of callers at once on a busy machine are the point of these tests.
        settings.acquire_timeout = Duration::from_secs(60);
        settings.statement_timeout = Duration::from_secs(60);
        let db = Database::connect(&settings).await.unwrap();
        db.migrate::<Migrator>().await.unwrap();
        let clock = ManualClock::new(datetime!(2026-11-20 12:00 UTC).into());
        let usage = Usage::new(
            Arc::new(SqlBook::new(db.clone())),
            plans.parse().unwrap(),
            HOLD,
            Arc::new(clock.clone()),
            Arc::new(SystemIds),
        );
        Self {
            usage: Arc::new(usage),
            db,
            clock,
            plans: plans.to_owned(),
        }
    }

    /// Asks for units of the first plan with a fresh operation id.
    pub fn ask(&self, owner: UserId, amount: i64) -> Ask {
        let plan = self.plans.split(',').next().unwrap();
        Ask {
            operation: OperationId(Uuid::now_v7()),
            owner,
            plan: plan.parse().unwrap(),
            amounts: vec![(Meter::Generations, amount)],
        }
    }

    /// What `GetUsage` says of the shortest window: used, reserved, remaining.
    pub async fn standing(&self, owner: UserId) -> (i64, i64, i64) {
        self.standing_of(owner, 0).await
    }

    /// What `GetUsage` says of one window, counted from the shortest.
    pub async fn standing_of(&self, owner: UserId, window: usize) -> (i64, i64, i64) {
        let plan = self.ask(owner, 1).plan;
        let standing = self.usage.look(owner, &plan).await.unwrap()[window];
        let tally = standing.tally;
        (tally.used, tally.held, standing.remaining())
    }

    pub fn at(&self, now: time::OffsetDateTime) {
        self.clock.set(Timestamp::from(now));
    }

    /// How many counters disagree with the reservations they are the sums of.
    pub async fn disagreements(&self) -> i64 {
        self.number(
            "WITH sums AS (
               SELECT i.subject, i.meter, i.window_kind, i.window_start,
                 SUM(CASE WHEN r.state IN ('held', 'confirmed') THEN i.amount ELSE 0 END) AS held,
                 SUM(CASE WHEN r.state = 'settled' THEN i.amount ELSE 0 END) AS used
               FROM reservation_items i JOIN reservations r ON r.id = i.reservation_id
               GROUP BY i.subject, i.meter, i.window_kind, i.window_start)
             SELECT COUNT(*) AS n FROM counters c FULL JOIN sums s
               ON s.subject = c.subject AND s.meter = c.meter
               AND s.window_kind = c.window_kind AND s.window_start = c.window_start
             WHERE c.subject IS NULL OR c.used <> COALESCE(s.used, 0) OR c.held <> COALESCE(s.held, 0)",
        )
        .await
    }

    /// One number from SQL, as `n`.
    pub async fn number(&self, sql: &str) -> i64 {
        let statement = Statement::from_string(self.db.read().get_database_backend(), sql);
        let row = self.db.read().query_one_raw(statement).await.unwrap();
        row.unwrap().try_get("", "n").unwrap()
    }
}

pub fn user() -> UserId {
    UserId(Uuid::now_v7())
}

/// Starts `count` tasks that all wait for one another and then run at once.
pub async fn race<T, F>(count: usize, task: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(count));
    let runs = (0..count).map(|index| {
        let (barrier, run) = (Arc::clone(&barrier), task(index));
        tokio::spawn(async move {
            barrier.wait().await;
            run.await
        })
    });
    let mut outcomes = Vec::with_capacity(count);
    for run in runs.collect::<Vec<_>>() {
        outcomes.push(run.await.unwrap());
    }
    outcomes
}

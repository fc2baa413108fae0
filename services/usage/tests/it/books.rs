//! What the tests share: books on a real database, what is asked of them, and the questions asked
//! about them.

use std::sync::Arc;
use std::time::Duration;

use database::{Backend, Database};
use sea_orm::{ConnectionTrait, Statement};
use testkit::{ManualClock, TestDb};
use time::macros::datetime;
use tokio::sync::Barrier;
use types::{ReservationId, SystemIds, Timestamp, UserId};
use usage::domain::clerk::{Done, Instruction};
use usage::domain::error::Error;
use usage::domain::meter::Meter;
use usage::domain::reservation::Ask;
use usage::domain::rules::Amounts;
use usage::domain::scope::Purpose;
use usage::domain::sweeping::{Sweeping, Swept};
use usage::domain::usage::Usage;
use usage::domain::window::Calendar;
use usage::store::{Desk, Migrator, SqlBook};
use uuid::Uuid;

use crate::keeper::Records;

pub const HOLD: Duration = Duration::from_secs(900);
pub const KEEP: Duration = Duration::from_secs(35 * 86_400);

/// One process' view of a database.
#[derive(Clone)]
pub struct Books {
    pub usage: Arc<Usage>,
    pub book: SqlBook,
    pub db: Database,
    pub clock: ManualClock,
    tier: String,
}

impl Books {
    /// Opens migrated books; their clock shows noon of 2026-11-20.
    pub async fn open(test: &TestDb, plans: &str) -> Self {
        let mut settings = test.settings();
        // Thousands of callers at once on a busy machine are the point of these tests.
        settings.acquire_timeout = Duration::from_secs(60);
        settings.statement_timeout = Duration::from_secs(60);
        let db = Database::connect(&settings).await.unwrap();
        db.migrate::<Migrator>().await.unwrap();
        let clock = ManualClock::new(datetime!(2026-11-20 12:00 UTC).into());
        let desk = Desk {
            plans: plans.parse().unwrap(),
            calendar: Calendar::utc(),
            clock: Arc::new(clock.clone()),
            ids: Arc::new(SystemIds),
            tellers: 2,
        };
        let book = SqlBook::new(db.clone(), desk);
        let usage = Usage::new(Arc::new(book.clone()), HOLD, Arc::new(clock.clone()));
        Self {
            usage: Arc::new(usage),
            book,
            db,
            clock,
            tier: plans.split(':').next().unwrap().to_owned(),
        }
    }

    /// Asks for generations on the first plan with a fresh operation id.
    pub fn ask(&self, owner: UserId, amount: i64) -> Ask {
        self.ask_for(owner, [(Meter::Generations, amount)])
    }

    /// The same for other meters.
    pub fn ask_for(&self, owner: UserId, amounts: impl Into<Amounts>) -> Ask {
        Ask {
            id: fresh(),
            owner,
            tier: self.tier.clone(),
            amounts: amounts.into(),
            purpose: Purpose::default(),
            work: None,
            hold: HOLD,
        }
    }

    pub async fn post(&self, instruction: Instruction) -> Result<Done, Error> {
        self.usage.post(instruction).await
    }

    pub async fn reserve(&self, ask: &Ask) -> Result<Done, Error> {
        self.post(Instruction::Reserve(ask.clone())).await
    }

    /// Sets generations aside that fit.
    pub async fn held(&self, owner: UserId, amount: i64) -> ReservationId {
        let done = self.reserve(&self.ask(owner, amount)).await.unwrap();
        done.reservation.id
    }

    /// Settles as it was held.
    pub async fn settle(&self, id: ReservationId) -> Result<Done, Error> {
        self.post(Instruction::Settle(id, Amounts::new().into()))
            .await
    }

    /// What `GetUsage` says of the shortest window: used, reserved, remaining.
    pub async fn standing(&self, owner: UserId) -> (i64, i64, i64) {
        self.standing_of(owner, 0).await
    }

    /// What `GetUsage` says of one limit, counted from the first.
    pub async fn standing_of(&self, owner: UserId, place: usize) -> (i64, i64, i64) {
        let (_, standings) = self.usage.look(owner, &self.tier).await.unwrap();
        let standing = &standings[place];
        let tally = standing.tally;
        (tally.used, tally.held, standing.remaining())
    }

    /// Looks for what expired, once, with nobody keeping records; answers how many were given back.
    pub async fn sweep(&self) -> Result<u64, Error> {
        Ok(self
            .sweep_asking(Arc::new(Records::default()))
            .await?
            .expired)
    }

    /// The same with somebody who keeps them.
    pub async fn sweep_asking(&self, keepers: Arc<Records>) -> Result<Swept, Error> {
        let sweeping = self.sweeping(keepers);
        let mut pass = sweeping.pass();
        while pass.step().await? {}
        Ok(pass.swept)
    }

    pub fn sweeping(&self, keepers: Arc<Records>) -> Sweeping {
        Sweeping {
            book: Arc::new(self.book.clone()),
            keepers,
            clock: Arc::new(self.clock.clone()),
            hold: HOLD,
            keep: KEEP,
        }
    }

    pub fn at(&self, now: time::OffsetDateTime) {
        self.clock.set(Timestamp::from(now));
    }

    /// Does this to the database, as an operator's process would.
    pub async fn sql(&self, sql: &str) {
        let done = self.db.write().execute_unprepared(sql).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Makes a budget for everybody, or changes its limit.
    pub async fn budget(&self, scope: (&str, &str), meter: Meter, limit: i64) {
        let id = match self.db.backend() {
            Backend::Postgres => "gen_random_uuid()",
            Backend::Sqlite => "randomblob(16)",
        };
        let ((scope, value), meter) = (scope, meter.as_str());
        let transaction = self.db.begin().await.unwrap();
        for sql in [
            format!(
                "INSERT INTO budgets VALUES ({id}, '{scope}', '{scope}', '{value}', '{meter}', 'MONTH', {limit}, TRUE,
                    '[50,100]', 0, 0, 0, 'a test', 'a test')
                 ON CONFLICT (scope_type, scope_value, meter, window_kind) DO UPDATE SET units = excluded.units"
            ),
            "UPDATE rules_version SET version = version + 1".to_owned(),
        ] {
            transaction.execute_unprepared(&sql).await.unwrap();
        }
        transaction.commit().await.unwrap();
    }

    /// One number from SQL, as `n`.
    pub async fn number(&self, sql: &str) -> i64 {
        // PostgreSQL's sums are wider than its numbers.
        let sql = match self.db.backend() {
            Backend::Postgres => format!("SELECT n::bigint AS n FROM ({sql}) AS one"),
            Backend::Sqlite => sql.to_owned(),
        };
        let statement = Statement::from_string(self.db.read().get_database_backend(), sql);
        let row = self.db.read().query_one_raw(statement).await.unwrap();
        row.unwrap().try_get("", "n").unwrap()
    }
}

pub fn user() -> UserId {
    UserId(Uuid::now_v7())
}

pub fn fresh() -> ReservationId {
    ReservationId(Uuid::now_v7())
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

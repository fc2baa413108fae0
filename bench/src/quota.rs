//! The quota path: setting units and money aside and settling them, as the usage service does it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use sea_orm::ConnectionTrait;
use types::{ReservationId, SystemClock, SystemIds, UserId};
use usage::domain::clerk::Instruction;
use usage::domain::meter::Meter;
use usage::domain::reservation::Ask;
use usage::domain::rules::Amounts;
use usage::domain::scope::Purpose;
use usage::domain::usage::Usage;
use usage::domain::window::Calendar;
use usage::store::{Desk, Migrator, SqlBook};
use uuid::Uuid;

const HOLD: Duration = Duration::from_secs(900);
const PRICE: i64 = 39_000;
const PLANS: &str = "bench:1000000000+$900000000/month";

/// The usage service's books on a database of their own.
#[derive(Clone)]
pub struct Books {
    usage: Arc<Usage>,
    users: Arc<Vec<UserId>>,
}

impl Books {
    /// Fresh books for so many users; with one budget over everything when `hot`, kept by so
    /// many tellers.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn open(url: &str, users: usize, hot: bool, tellers: usize) -> anyhow::Result<Self> {
        let settings = settings(url)?;
        let db = database::Database::open::<Migrator>(&settings, true).await?;
        if hot {
            db.write().execute_unprepared(BUDGET).await?;
        }
        let desk = Desk {
            plans: PLANS.parse()?,
            calendar: Calendar::utc(),
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
            tellers,
        };
        let book = Arc::new(SqlBook::new(db, desk));
        let users = (0..users).map(|_| UserId(Uuid::now_v7())).collect();
        Ok(Self {
            usage: Arc::new(Usage::new(book, HOLD, Arc::new(SystemClock))),
            users: Arc::new(users),
        })
    }

    /// One pair: a unit and its money are set aside, then settled at what it cost.
    ///
    /// # Errors
    /// The books refuse or do not answer.
    pub async fn pair(&self, user: usize) -> anyhow::Result<()> {
        let id = ReservationId(Uuid::now_v7());
        let owner = *self
            .users
            .get(user % self.users.len())
            .context("no users")?;
        let ask = Ask {
            id,
            owner,
            tier: "bench".to_owned(),
            amounts: Amounts::from([(Meter::Generations, 1), (Meter::Microusd, PRICE)]),
            purpose: Purpose {
                kind: "IMAGE".to_owned(),
                provider: "gemini".to_owned(),
                model: "bench".to_owned(),
                ..Purpose::default()
            },
            work: None,
            hold: HOLD,
        };
        self.usage.post(Instruction::Reserve(ask)).await?;
        let cost = Amounts::from([(Meter::Microusd, PRICE - 1)]);
        self.usage
            .post(Instruction::Settle(id, cost.into()))
            .await?;
        Ok(())
    }
}

const BUDGET: &str = "INSERT INTO budgets VALUES (gen_random_uuid(), 'all', 'global', '', 'MICROUSD', \
    'MONTH', 900000000000000, true, '[50,80,100]', 1, 0, 0, 'bench', 'bench'); \
    UPDATE rules_version SET version = version + 1";

fn settings(url: &str) -> anyhow::Result<database::Settings> {
    let source = config::MapSource::from([("BOTTEGA_USAGE_DATABASE_URL", url)]);
    let mut reader = config::Reader::new(&source);
    let settings = database::Settings::read(&mut reader, "usage", "".as_ref());
    reader.finish()?;
    Ok(settings)
}

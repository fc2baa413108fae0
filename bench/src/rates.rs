//! Rate limits: how many requests a second are counted, in the process and through Redis.

use std::sync::Arc;

use config::{MapSource, Reader};
use gateway::rate::{Class, Rates, Settings, Who};
use types::UserId;
use uuid::Uuid;

/// Limits that nobody reaches, so that every request is counted and none refused.
const USER: &str = "1000000/s,1000000/min";

/// The limits of one gateway, for so many users.
#[derive(Clone)]
pub struct Counted {
    rates: Arc<Rates>,
    users: Arc<Vec<Who>>,
}

impl Counted {
    /// In this process alone, or shared through a Redis.
    ///
    /// # Errors
    /// The settings are wrong.
    pub async fn open(redis: Option<&str>, users: usize) -> anyhow::Result<Self> {
        let mut source = vec![("BOTTEGA_RATE_USER", USER)];
        source.extend(redis.map(|url| ("BOTTEGA_REDIS_URL", url)));
        let owned = (source.into_iter()).map(|(name, text)| (name.to_owned(), text.to_owned()));
        let source = MapSource(owned.collect());
        let mut reader = Reader::new(&source);
        let settings = Settings::read(&mut reader);
        reader.finish()?;
        let users = (0..users).map(|_| Who::User(UserId(Uuid::now_v7())));
        Ok(Self {
            rates: Arc::new(Rates::open(settings).await),
            users: Arc::new(users.collect()),
        })
    }

    /// Counts one request of one user, under both of its limits.
    ///
    /// # Errors
    /// There is no user.
    pub async fn once(&self, user: usize) -> anyhow::Result<()> {
        let who = self.users.get(user % self.users.len());
        let who = who.ok_or_else(|| anyhow::anyhow!("no users"))?;
        let decision = self.rates.take(*who, None, Some(Class::Read)).await;
        let passed = decision.verdict.passed;
        anyhow::ensure!(passed, "a request was refused");
        Ok(())
    }
}

//! Telling operators: alerts are listed, acknowledged, and sent to a receiver until it takes them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use types::{Clock, Page, PageRequest, Timestamp};
use uuid::Uuid;

use super::alert::Alert;
use super::error::Error;

/// How long an attempt belongs to the process that makes it; longer than one can take.
const LEASE: Duration = Duration::from_mins(1);
/// So many are sent at once.
const BATCH: u64 = 16;

/// An alert, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// What happened.
    pub alert: Alert,
    /// When the receiver took it.
    pub delivered_at: Option<Timestamp>,
    /// How often it was sent.
    pub tries: i32,
    /// When somebody saw it.
    pub acknowledged_at: Option<Timestamp>,
    /// Who; empty for nobody.
    pub acknowledged_by: String,
}

/// An alert that is this process' to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// What to tell.
    pub alert: Alert,
    /// Until when it is; also tells this claim from any other.
    pub until: Timestamp,
    /// How many attempts this is since it went off or was asked for again.
    pub attempt: u32,
}

/// What an attempt came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The receiver has it.
    Taken,
    /// It does not, or nobody knows; to be told again after a while, or never again.
    Failed {
        /// Why.
        why: String,
        /// After how long; none when it is given up.
        again: Option<Duration>,
    },
}

/// Keeps alerts.
#[async_trait]
pub trait AlertStore: Send + Sync + 'static {
    /// A page of them, newest first.
    async fn newest(&self, budget: Option<Uuid>, page: PageRequest) -> Result<Page<Posted>, Error>;

    /// One of them.
    async fn find(&self, id: Uuid) -> Result<Option<Posted>, Error>;

    /// Marks one as seen, unless it is.
    async fn acknowledge(&self, id: Uuid, by: &str, now: Timestamp) -> Result<(), Error>;

    /// Makes one due again, from the beginning of the schedule.
    async fn redeliver(&self, id: Uuid, by: &str, now: Timestamp) -> Result<(), Error>;

    /// Takes alerts that are due for this process, at most `most`; nobody else gets them before
    /// `until`. New ones of budgets are entered in the audit.
    async fn claim(
        &self,
        now: Timestamp,
        until: Timestamp,
        most: u64,
    ) -> Result<Vec<Claimed>, Error>;

    /// The receiver took it.
    async fn taken(&self, claimed: &Claimed, now: Timestamp) -> Result<(), Error>;

    /// It did not; it is due again at `next`, or given up.
    async fn failed(&self, claimed: &Claimed, next: Option<Timestamp>) -> Result<(), Error>;

    /// Nobody listens: what is due is only listed from now on. New ones of budgets are entered in the
    /// audit.
    async fn keep_silent(&self) -> Result<(), Error>;

    /// An alert goes off, unless it did.
    async fn ring(&self, alert: &Alert) -> Result<(), Error>;
}

/// Tells a receiver.
#[async_trait]
pub trait Receiver: Send + Sync + 'static {
    /// One attempt, the `attempt`-th.
    async fn tell(&self, alert: &Alert, attempt: u32, now: Timestamp) -> Told;
}

/// The use cases of alerts.
#[derive(Clone)]
pub struct Alerts {
    store: Arc<dyn AlertStore>,
    receiver: Option<Arc<dyn Receiver>>,
    clock: Arc<dyn Clock>,
}

impl Alerts {
    /// Alerts of this store, told to this receiver.
    #[must_use]
    pub fn new(
        store: Arc<dyn AlertStore>,
        receiver: Option<Arc<dyn Receiver>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            store,
            receiver,
            clock,
        }
    }

    /// A page of alerts, newest first.
    ///
    /// # Errors
    /// The books do not answer.
    pub async fn list(
        &self,
        budget: Option<Uuid>,
        page: PageRequest,
    ) -> Result<Page<Posted>, Error> {
        self.store.newest(budget, page).await
    }

    /// Marks an alert as seen; who saw it first stays.
    ///
    /// # Errors
    /// There is no such alert; the books do not answer.
    pub async fn acknowledge(&self, id: Uuid, by: &str) -> Result<Posted, Error> {
        self.store.acknowledge(id, by, self.clock.now()).await?;
        self.find(id).await
    }

    /// Sends an alert again, from the beginning of the schedule.
    ///
    /// # Errors
    /// There is no such alert; the books do not answer.
    pub async fn redeliver(&self, id: Uuid, by: &str) -> Result<Posted, Error> {
        self.store.redeliver(id, by, self.clock.now()).await?;
        self.find(id).await
    }

    /// An alert goes off, unless it did.
    ///
    /// # Errors
    /// The books do not answer.
    pub async fn ring(&self, alert: &Alert) -> Result<(), Error> {
        self.store.ring(alert).await
    }

    /// Sends what is due, and says how many there were.
    ///
    /// # Errors
    /// The books do not answer; what was sent meanwhile is sent again, under the same id.
    pub async fn deliver(&self) -> Result<usize, Error> {
        let Some(receiver) = &self.receiver else {
            self.store.keep_silent().await?;
            return Ok(0);
        };
        let now = self.clock.now();
        let claimed = self.store.claim(now, now.plus(LEASE), BATCH).await?;
        let attempts = claimed.iter().map(|one| self.tell(receiver.as_ref(), one));
        let outcomes = join_all(attempts).await;
        outcomes.into_iter().collect::<Result<Vec<()>, Error>>()?;
        Ok(claimed.len())
    }

    async fn tell(&self, receiver: &dyn Receiver, claimed: &Claimed) -> Result<(), Error> {
        let told = receiver
            .tell(&claimed.alert, claimed.attempt, self.clock.now())
            .await;
        let now = self.clock.now();
        let (outcome, written) = match told {
            Told::Taken => ("taken", self.store.taken(claimed, now).await),
            Told::Failed { why, again } => {
                let outcome = if again.is_some() {
                    "failed"
                } else {
                    "given_up"
                };
                tracing::warn!(
                    alert.id = %claimed.alert.id,
                    attempt = claimed.attempt,
                    outcome,
                    why,
                    "alert was not taken"
                );
                let next = again.map(|wait| now.plus(wait));
                (outcome, self.store.failed(claimed, next).await)
            }
        };
        metrics::counter!("usage_alert_deliveries_total", "outcome" => outcome).increment(1);
        written
    }

    async fn find(&self, id: Uuid) -> Result<Posted, Error> {
        self.store.find(id).await?.ok_or(Error::NotFound("alert"))
    }
}

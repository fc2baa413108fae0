//! Orders nobody waits for any more, which their provider may still be doing: it is asked to stop them,
//! and what they cost in the end is settled. None is paid twice, and none is free because it was
//! cancelled; what stays unknown is an operator's.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use types::{Clock, GenerationId, Microusd, Timestamp};

use crate::domain::bill::{believed, counted};
use crate::domain::error::Error;
use crate::domain::provider::{Job, Stopped};
use crate::domain::routing::Catalog;
use crate::domain::signals::Signals;

const AT_ONCE: u64 = 16;
/// Longer than asking takes; a process that dies with an order in its hands gives it back by then.
const HOLD: Duration = Duration::from_mins(2);
const ASK_WAIT: Duration = Duration::from_mins(1);
/// An order that ended so long ago is not asked about any more.
const PATIENCE: Duration = Duration::from_hours(24);
const FIRST_REST: Duration = Duration::from_secs(1);
const LAST_REST: Duration = Duration::from_mins(5);

/// An order that is to be stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// Of which generation.
    pub task: GenerationId,
    /// Which attempt at it.
    pub number: i64,
    /// Who has it.
    pub provider: String,
    /// The provider's handle.
    pub job: Job,
    /// What the work was accepted at.
    pub price: Microusd,
    /// Since when nobody waits for it.
    pub since: Timestamp,
}

/// What is learned of an order once nobody waits for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Learned {
    /// Its provider took it: it is to be stopped.
    Taken(Job),
    /// What it cost, and the tokens it took when its provider counts any.
    Cost(Microusd, Option<i64>),
}

/// Where such orders are kept.
#[async_trait]
pub trait Strays: Send + Sync + 'static {
    /// Takes up to `limit` that are due; they come back after `hold` unless something is learned.
    async fn take_strays(&self, limit: u64, hold: Duration) -> Result<Vec<Stray>, Error>;

    /// Writes down what was learned of an attempt whose cost nobody knows; with a cost, owes what its
    /// task's reservation becomes by that, in one transaction. Answers whether there is such an attempt.
    async fn learn(
        &self,
        task: GenerationId,
        number: i64,
        learned: &Learned,
    ) -> Result<bool, Error>;

    /// Leaves one for a while, or for good.
    async fn leave_stray(&self, stray: &Stray, rest: Option<Duration>) -> Result<(), Error>;
}

/// Stops what nobody waits for.
#[derive(Clone)]
pub struct Warden {
    /// Where it is kept.
    pub strays: Arc<dyn Strays>,
    /// Who is asked.
    pub catalog: Catalog,
    /// Who tells that a call is owed.
    pub signals: Arc<Signals>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Warden {
    /// Asks about those that are due now; answers how many.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn round(&self) -> Result<usize, Error> {
        let due = self.strays.take_strays(AT_ONCE, HOLD).await?;
        let seen_to = join_all(due.iter().map(|stray| self.see_to(stray))).await;
        seen_to.into_iter().collect::<Result<Vec<()>, Error>>()?;
        Ok(due.len())
    }

    async fn see_to(&self, stray: &Stray) -> Result<(), Error> {
        let provider = self.catalog.provider(&stray.provider);
        let Some(stops) = provider.and_then(|provider| provider.stops()) else {
            return self.strays.leave_stray(stray, None).await;
        };
        let answer = tokio::time::timeout(ASK_WAIT, stops.stop(&stray.job)).await;
        let hint = match answer {
            Ok(Ok(Stopped::Over(spent))) => {
                let said = spent.cost.or(stray.job.cost_microusd.map(Microusd));
                let cost = believed(said, stray.price);
                return self.settle(stray, cost, counted(spent.tokens)).await;
            }
            Ok(Ok(Stopped::NotYet)) | Err(_) => None,
            Ok(Err(error)) => {
                tracing::debug!(task.id = %stray.task, error = %error, "could not ask to stop an order");
                error.retry_after
            }
        };
        let rest = self
            .rest(stray)
            .map(|rest| rest.max(hint.unwrap_or_default()));
        if rest.is_none() {
            self.told(stray, "given_up");
            tracing::warn!(
                task.id = %stray.task,
                provider.name = %stray.provider,
                "it stays unknown what an order cost that nobody waits for"
            );
        }
        self.strays.leave_stray(stray, rest).await
    }

    async fn settle(
        &self,
        stray: &Stray,
        cost: Microusd,
        tokens: Option<i64>,
    ) -> Result<(), Error> {
        let learned = Learned::Cost(cost, tokens);
        // An operator may have been quicker.
        if self
            .strays
            .learn(stray.task, stray.number, &learned)
            .await?
        {
            self.told(stray, if cost.0 > 0 { "paid" } else { "free" });
            self.signals.outbox();
            self.signals.changed(stray.task);
        }
        self.strays.leave_stray(stray, None).await
    }

    // The longer it lasts, the seldomer it is asked about.
    fn rest(&self, stray: &Stray) -> Option<Duration> {
        let age = self.clock.now().micros() - stray.since.micros();
        let age = Duration::from_micros(u64::try_from(age).unwrap_or(0));
        (age < PATIENCE).then(|| (age / 4).clamp(FIRST_REST, LAST_REST))
    }

    fn told(&self, stray: &Stray, outcome: &'static str) {
        metrics::counter!(
            "generation_strays_total",
            "provider" => stray.provider.clone(),
            "outcome" => outcome,
        )
        .increment(1);
    }
}

//! Attempts that may have been paid for while nobody knows: what operators see of them, and how one
//! ends. It ends here and nowhere else; the usage service is told by the outbox, as of every task.

use std::sync::Arc;

use async_trait::async_trait;
use types::{Clock, GenerationId, Microusd, Page, PageRequest, ReservationId, Timestamp, UserId};

use crate::domain::error::Error;
use crate::domain::signals::Signals;

/// No attempt costs more, in millionths of a US dollar.
pub const MAX_COST: i64 = 1_000_000_000_000;
const MAX_NOTE: usize = 500;
/// What is wrong with a text that is no note.
pub const NOT_A_NOTE: &str = "must be at most 500 bytes without control characters";

/// Whether a text may say why an attempt cost what it did.
#[must_use]
pub fn is_note(text: &str) -> bool {
    text.len() <= MAX_NOTE && !text.chars().any(char::is_control)
}

/// An attempt nobody knew the outcome of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownAttempt {
    /// At which generation.
    pub task: GenerationId,
    /// Its number.
    pub number: i64,
    /// Whose generation.
    pub owner: UserId,
    /// Who was asked.
    pub provider: String,
    /// With which model.
    pub model: String,
    /// The provider's own id of the order, when it named one.
    pub job: Option<String>,
    /// The money that is set aside.
    pub held: Microusd,
    /// The class of the error.
    pub class: String,
    /// For operators.
    pub detail: String,
    /// When the order left.
    pub sent_at: Option<Timestamp>,
    /// Since when nobody knows.
    pub since: Option<Timestamp>,
    /// What the money is set aside by.
    pub reservation: Option<ReservationId>,
    /// What it cost, once that was said.
    pub verdict: Option<Verdict>,
}

/// What an operator says an attempt cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What its provider takes; 0 for nothing.
    pub cost: Microusd,
    /// Why.
    pub note: String,
    /// Who says so.
    pub actor: String,
    /// When.
    pub at: Timestamp,
}

/// Where unknown attempts are kept.
#[async_trait]
pub trait Unknowns: Send + Sync + 'static {
    /// Those whose money is in suspense; of the newest generation first.
    async fn unknown(&self, page: PageRequest) -> Result<Page<UnknownAttempt>, Error>;

    /// How many there are, and the money they hold.
    async fn unknown_sum(&self) -> Result<(i64, Microusd), Error>;

    /// Writes down what a generation's attempt cost, and owes what its reservation becomes by that; in
    /// one transaction. Answers the attempt, and whether this call changed anything.
    async fn resolve(
        &self,
        task: GenerationId,
        verdict: &Verdict,
    ) -> Result<(UnknownAttempt, bool), Error>;
}

/// Looks into attempts, for operators.
#[derive(Clone)]
pub struct Inquiry {
    /// Where they are kept.
    pub unknowns: Arc<dyn Unknowns>,
    /// Who tells that a call is owed.
    pub signals: Arc<Signals>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Inquiry {
    /// Attempts nobody knows the outcome of.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn list(&self, page: PageRequest) -> Result<Page<UnknownAttempt>, Error> {
        self.unknowns.unknown(page).await
    }

    /// Ends one: it cost so much, or nothing. Saying the same again changes nothing.
    ///
    /// # Errors
    /// There is no such attempt, or its cost is known otherwise; the store does not answer.
    pub async fn resolve(
        &self,
        task: GenerationId,
        cost: Microusd,
        note: String,
        actor: String,
    ) -> Result<UnknownAttempt, Error> {
        let at = self.clock.now();
        let verdict = Verdict {
            cost,
            note,
            actor,
            at,
        };
        let (attempt, is_new) = self.unknowns.resolve(task, &verdict).await?;
        if is_new {
            metrics::counter!("generation_attempts_resolved_total").increment(1);
            tracing::info!(
                task.id = %task,
                attempt.number = attempt.number,
                cost_microusd = cost.0,
                actor = %verdict.actor,
                "an operator resolved an unknown attempt"
            );
            self.signals.outbox();
        }
        Ok(attempt)
    }
}

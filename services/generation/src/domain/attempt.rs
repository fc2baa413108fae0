//! One asking of a provider, kept step by step so that nothing is ever paid twice.
//!
//! `planned -> sent -> accepted -> succeeded | failed | unknown`: each step is committed before the
//! next act, so whoever takes the task over knows what may have been paid.

use types::{Microusd, Timestamp};

use crate::domain::bill::{Billed, cost_of_failure, counted};
use crate::domain::provider::{ErrorClass, Job, ProviderError};

/// How far an attempt got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptState {
    /// Will be sent; the provider knows nothing of it.
    Planned,
    /// May have reached the provider.
    Sent,
    /// The provider took it and named a job.
    Accepted,
    /// Its result is stored.
    Succeeded,
    /// It surely brought nothing.
    Failed,
    /// It may have been paid for; its result is lost. Once its cost is written beside it, that is known.
    Unknown,
}

impl AttemptState {
    const ALL: [Self; 6] = [
        Self::Planned,
        Self::Sent,
        Self::Accepted,
        Self::Succeeded,
        Self::Failed,
        Self::Unknown,
    ];

    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Sent => "sent",
            Self::Accepted => "accepted",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// Reads what [`AttemptState::as_str`] wrote.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// The class of an attempt whose order has not left, and will not.
pub const ABANDONED: &str = "abandoned";

/// An attempt as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// 1 for a task's first.
    pub number: i64,
    /// Who was asked.
    pub provider: String,
    /// How far it got.
    pub state: AttemptState,
    /// The provider's handle, once accepted.
    pub job: Option<Job>,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
}

/// What a worker that takes a task does first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resume {
    /// Nothing may have been paid: ask the provider.
    Afresh,
    /// The provider has the order: ask about the job, order nothing.
    Poll {
        /// The attempt's number.
        number: i64,
        /// The provider's handle.
        job: Job,
        /// When the order was sent.
        sent_at: Timestamp,
    },
    /// The order may have been paid and cannot be found again: the attempt's number.
    GiveUp(i64),
}

/// Decides how to go on after `last`, whoever was at it before.
#[must_use]
pub fn resume(last: Option<Attempt>, is_repeatable: bool, now: Timestamp) -> Resume {
    let Some(attempt) = last else {
        return Resume::Afresh;
    };
    match (attempt.state, attempt.job) {
        (AttemptState::Accepted, Some(job)) => Resume::Poll {
            number: attempt.number,
            job,
            sent_at: attempt.sent_at.unwrap_or(now),
        },
        (AttemptState::Sent | AttemptState::Accepted, _) if !is_repeatable => {
            Resume::GiveUp(attempt.number)
        }
        (AttemptState::Unknown | AttemptState::Succeeded, _) => Resume::GiveUp(attempt.number),
        (AttemptState::Planned | AttemptState::Sent, _)
        | (AttemptState::Accepted | AttemptState::Failed, _) => Resume::Afresh,
    }
}

/// How an attempt ended without a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptEnd {
    /// Its number.
    pub number: i64,
    /// [`AttemptState::Failed`] or [`AttemptState::Unknown`].
    pub state: AttemptState,
    /// The class of the error, see [`class_name`]; or [`ABANDONED`].
    pub class: &'static str,
    /// For the operator.
    pub detail: String,
    /// What the provider takes for it; none when nobody knows.
    pub cost: Option<Microusd>,
    /// Tokens it took all the same, when the provider counts any.
    pub tokens: Option<i64>,
}

impl AttemptEnd {
    /// The end a provider's error means for work that was accepted at `price`.
    #[must_use]
    pub fn of(number: i64, error: &ProviderError, price: Microusd) -> Self {
        let cost = cost_of_failure(error, price);
        let state = match (error.class, cost) {
            (ErrorClass::Ambiguous, _) | (_, None) => AttemptState::Unknown,
            _ => AttemptState::Failed,
        };
        Self {
            number,
            state,
            class: class_name(error.class),
            detail: error.detail.chars().take(500).collect(),
            cost,
            tokens: counted(error.spent.tokens),
        }
    }

    /// The result, if there was one, is lost.
    #[must_use]
    pub fn unknown(number: i64, detail: impl Into<String>) -> Self {
        Self {
            number,
            state: AttemptState::Unknown,
            class: class_name(ErrorClass::Ambiguous),
            detail: detail.into(),
            cost: None,
            tokens: None,
        }
    }

    /// Its order has not left, whatever was written down before: nobody was asked, and nothing was paid.
    #[must_use]
    pub fn never_left(number: i64, detail: impl Into<String>) -> Self {
        Self {
            number,
            state: AttemptState::Failed,
            class: ABANDONED,
            detail: detail.into(),
            cost: Some(Microusd(0)),
            tokens: None,
        }
    }

    /// Whether its order has left, or may have.
    #[must_use]
    pub fn has_left(&self) -> bool {
        self.class != ABANDONED
    }

    /// What it came to, having been asked of this provider.
    #[must_use]
    pub fn billed(&self, provider: &str, model: &str) -> Billed {
        Billed {
            number: self.number,
            provider: provider.to_owned(),
            model: model.to_owned(),
            state: self.state,
            cost: self.cost,
            tokens: self.tokens,
        }
    }
}

/// The word for an error's class in the ledger, in logs and in metrics.
#[must_use]
pub const fn class_name(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Invalid => "invalid",
        ErrorClass::Policy => "policy",
        ErrorClass::RateLimited => "rate_limited",
        ErrorClass::Account => "account",
        ErrorClass::Unavailable => "unavailable",
        ErrorClass::InvalidOutput => "invalid_output",
        ErrorClass::Ambiguous => "ambiguous",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(state: AttemptState, job: Option<Job>) -> Option<Attempt> {
        Some(Attempt {
            number: 2,
            provider: "p".to_owned(),
            state,
            job,
            sent_at: Some(Timestamp(7)),
        })
    }

    #[test]
    fn what_may_have_been_paid_is_never_sent_again() {
        let now = Timestamp(9);
        let job = Job {
            id: "j".to_owned(),
            poll_url: None,
            ..Job::default()
        };
        assert_eq!(resume(None, false, now), Resume::Afresh);
        assert_eq!(
            resume(attempt(AttemptState::Planned, None), false, now),
            Resume::Afresh
        );
        assert_eq!(
            resume(attempt(AttemptState::Failed, None), false, now),
            Resume::Afresh
        );
        assert_eq!(
            resume(attempt(AttemptState::Sent, None), false, now),
            Resume::GiveUp(2)
        );
        assert_eq!(
            resume(attempt(AttemptState::Sent, None), true, now),
            Resume::Afresh
        );
        assert_eq!(
            resume(attempt(AttemptState::Unknown, None), true, now),
            Resume::GiveUp(2)
        );
        assert_eq!(
            resume(
                attempt(AttemptState::Accepted, Some(job.clone())),
                true,
                now
            ),
            Resume::Poll {
                number: 2,
                job,
                sent_at: Timestamp(7)
            }
        );
    }
}

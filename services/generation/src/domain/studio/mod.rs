//! The studio: does a task a worker holds, from its inputs to its stored result, and can be
//! stopped at any point without anything being paid twice.

mod asking;
mod judging;
mod keeping;
mod letting_go;
mod paying;
mod refusing;
mod sending;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use errors::Reason;
use tokio::sync::Semaphore;
use types::{Clock, Microusd};

use crate::domain::attempt::{AttemptEnd, Resume, resume};
use crate::domain::cooling::Cooling;
use crate::domain::error::Error;
use crate::domain::generation::Failure;
use crate::domain::lease::Lease;
use crate::domain::pause::Pause;
use crate::domain::ports::{Claimed, Ending, Files, PutBack, Quota, Work};
use crate::domain::provider::{ErrorClass, ImageProvider, Model, ProviderError, RawImage};
use crate::domain::retry::{Retry, backoff};
use crate::domain::routing::Catalog;
use crate::domain::safety::Guard;
use crate::domain::signals::Signals;
use crate::domain::strays::Strays;
use letting_go::lost_result;
use sending::Unwritten;

/// Does tasks.
pub struct Studio {
    /// Where their progress is kept.
    pub work: Arc<dyn Work>,
    /// Where orders go that nobody waits for any more.
    pub strays: Arc<dyn Strays>,
    /// Where inputs come from and results go to.
    pub files: Arc<dyn Files>,
    /// Who looks at results before they are shown.
    pub guard: Guard,
    /// Who says whether an order may be paid.
    pub quota: Arc<dyn Quota>,
    /// Whether paid work was paused just now.
    pub pause: Pause,
    /// Who is asked.
    pub catalog: Catalog,
    /// Who is left alone just now.
    pub cooling: Arc<Cooling>,
    /// Wakes watchers.
    pub signals: Arc<Signals>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How often a provider is asked.
    pub retry: Retry,
    /// How many pictures are decoded at a time: each may need half a gigabyte.
    pub decoders: Arc<Semaphore>,
}

// A task under way: what every step of it needs.
struct Sitting<'a> {
    task: &'a Claimed,
    lease: &'a Lease,
    provider: &'a Arc<dyn ImageProvider>,
    model: &'a Model,
}

impl Sitting<'_> {
    // What the task was accepted at, whatever the model costs by now; less, when somebody else does it for
    // less.
    fn price(&self) -> Microusd {
        let task = self.task;
        let held = task.price.unwrap_or(self.model.price_per_image);
        let route = task.itinerary.as_ref();
        let route = route.filter(|one| !one.chosen.is(&task.provider, &task.model));
        let own = route.and_then(|one| one.price_of(&task.provider, &task.model));
        own.map_or(held, |own| own.min(held))
    }
}

struct Made {
    attempt: i64,
    raw: RawImage,
    // Until it is being kept.
    unwritten: Unwritten,
}

enum Asked {
    Made(Made),
    Refused {
        attempt: i64,
        sends: u32,
        error: ProviderError,
        unwritten: Unwritten,
    },
    // Nothing was sent; the task rests, or ends.
    Unasked(Result<PutBack, Failure>),
}

impl Studio {
    /// Does a task as far as it can be done now: to its end, or back into the queue. The caller
    /// drops this when the lease is lost.
    ///
    /// # Errors
    /// [`Error::Lost`] when the task is not ours any more; a store that refuses a write. Then the
    /// task stays as it is until its lease runs out.
    pub async fn perform(&self, task: &Claimed, lease: &Lease) -> Result<(), Error> {
        let provider = self.catalog.provider(&task.provider);
        let last = match task.claim.fence {
            // Nobody was at it before.
            1 => None,
            _ => {
                let read = || self.work.last_attempt(task.claim.task);
                self.persist(task, lease, read).await?
            }
        };
        let is_repeatable = provider.is_some_and(|one| one.is_repeatable());
        let next = resume(last, is_repeatable, self.clock.now());
        let model = provider.and_then(|one| one.models().iter().find(|m| m.name == task.model));
        let (Some(provider), Some(model)) = (provider, model) else {
            return self.fail_without_provider(task, lease, &next).await;
        };
        let sitting = Sitting {
            task,
            lease,
            provider,
            model,
        };
        let asked = match next {
            Resume::Afresh => self.ask(&sitting).await?,
            Resume::Poll {
                number,
                job,
                sent_at,
            } => self.follow(&sitting, number, &job, sent_at).await?,
            Resume::GiveUp(number) => {
                return self
                    .fail(task, lease, Some(lost_result(number)), outcome_unknown())
                    .await;
            }
        };
        match asked {
            Asked::Made(made) => self.keep(&sitting, made).await,
            Asked::Refused {
                attempt,
                sends,
                error,
                unwritten,
            } => {
                self.refused(&sitting, attempt, sends, &error).await?;
                unwritten.settle();
                Ok(())
            }
            Asked::Unasked(Ok(back)) => self.put_back(task, lease, &back).await,
            Asked::Unasked(Err(failure)) => self.fail(task, lease, None, failure).await,
        }
    }

    async fn fail_without_provider(
        &self,
        task: &Claimed,
        lease: &Lease,
        next: &Resume,
    ) -> Result<(), Error> {
        match next {
            Resume::Poll { number, .. } | Resume::GiveUp(number) => {
                let end = Some(lost_result(*number));
                self.fail(task, lease, end, outcome_unknown()).await
            }
            Resume::Afresh => {
                let failure = Failure {
                    reason: Reason::NoProvider,
                    message: format!(
                        "provider '{}' with model '{}' is not set up here any more",
                        task.provider, task.model
                    ),
                };
                self.fail(task, lease, None, failure).await
            }
        }
    }

    async fn put_back(&self, task: &Claimed, lease: &Lease, back: &PutBack) -> Result<(), Error> {
        self.persist(task, lease, || self.work.put_back(task.claim, back))
            .await?;
        if back.rest.is_zero() {
            self.signals.work();
        }
        Ok(())
    }

    async fn fail(
        &self,
        task: &Claimed,
        lease: &Lease,
        attempt: Option<AttemptEnd>,
        failure: Failure,
    ) -> Result<(), Error> {
        metrics::counter!(
            "generation_tasks_total",
            "outcome" => "failed",
            "reason" => failure.reason.as_str_name(),
        )
        .increment(1);
        let last = (attempt.as_ref()).map(|end| end.billed(&task.provider, &task.model));
        let resolution = self.resolution(task, lease, last).await?;
        let ending = Ending::Failed {
            attempt,
            failure,
            resolution,
        };
        self.finish(task, lease, &ending).await
    }

    async fn finish(&self, task: &Claimed, lease: &Lease, ending: &Ending) -> Result<(), Error> {
        self.persist(task, lease, || self.work.finish(task.claim, ending))
            .await?;
        self.signals.ended(task.claim.task);
        Ok(())
    }

    // A database that is away for a moment costs no result: the call is repeated as long as the
    // task is surely ours. Every write of `Work` may be repeated.
    async fn persist<T, F>(
        &self,
        task: &Claimed,
        lease: &Lease,
        call: impl Fn() -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        for tries in 1.. {
            match call().await {
                Err(error) if error.is_passing() && lease.is_held() => {
                    if tries == 1 {
                        tracing::warn!(task.id = %task.claim.task, error = %error, "the store is away");
                    }
                    tokio::time::sleep(backoff(Duration::from_millis(100), tries)).await;
                }
                Err(error) => return Err(error),
                Ok(value) => {
                    self.signals.changed(task.claim.task);
                    return Ok(value);
                }
            }
        }
        Err(Error::Lost)
    }
}

fn outcome_unknown() -> Failure {
    Failure {
        reason: ErrorClass::Ambiguous.reason(),
        message:
            "the provider may have done the work, but its result is lost; it is not sent again"
                .to_owned(),
    }
}

/// Why a task ends whose reservation was given back.
#[must_use]
pub fn reservation_lost() -> Failure {
    Failure {
        reason: Reason::ReservationLost,
        message:
            "what was set aside for the generation was given back before it began; order again"
                .to_owned(),
    }
}

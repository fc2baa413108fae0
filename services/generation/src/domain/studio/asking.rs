//! Asks a provider: the intention is written down before the order leaves, the job before anything
//! else is done with it.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use errors::{Fault, Reason};
use futures::future::try_join_all;
use tokio::time::Instant;
use types::{Microusd, Timestamp};

use super::sending::{Heard, Sending, Unwritten};
use super::{Asked, Made, Sitting, Studio};
use crate::domain::error::Error;
use crate::domain::events::{EventKind, Step};
use crate::domain::generation::Failure;
use crate::domain::ports::{Advance, PlannedAttempt, PutBack};
use crate::domain::provider::{
    ErrorClass, ImageOrder, InputImage, Job, Polled, ProviderError, Spent, Submitted,
};
use crate::domain::queue::expired;
use crate::domain::retry::backoff;

const FIRST_POLL: Duration = Duration::from_millis(500);
const LAST_POLL: Duration = Duration::from_secs(2);
const PROGRESS_PAUSE: Duration = Duration::from_secs(1);
const RESUMED: Duration = Duration::from_secs(60);
// Of a job's own progress, only every so many percent become an event.
const PROGRESS_STEP: u8 = 5;
const ASKED: u8 = 10;
const ACCEPTED: u8 = 20;

impl Studio {
    pub(super) async fn ask(&self, sitting: &Sitting<'_>) -> Result<Asked, Error> {
        let (task, lease) = (sitting.task, sitting.lease);
        if task.expires_at.is_some_and(|end| end <= self.clock.now()) {
            return Ok(Asked::Unasked(Err(expired())));
        }
        let fetched = (task.request.files()).map(|file| self.files.fetch(&task.patron, file));
        let pictures = match try_join_all(fetched).await {
            Ok(pictures) => pictures,
            Err(fault) => return Ok(Asked::Unasked(without_inputs(sitting, &fault))),
        };
        if let Some(withheld) = self.withheld(sitting).await {
            return Ok(withheld);
        }
        let planned = PlannedAttempt {
            provider: task.provider.clone(),
            model: task.model.clone(),
            price: sitting.price(),
        };
        let plan = || self.work.plan(task.claim, &planned);
        let Some(number) = self.persist(task, lease, plan).await? else {
            return Ok(Asked::Unasked(Err(super::reservation_lost())));
        };
        lease.plan(number);
        let message = format!("asking {} for a picture by {}", task.provider, task.model);
        let step = Step {
            message,
            ..Step::new(EventKind::Generating, ASKED)
        };
        let sent = || (self.work).advance(task.claim, number, &Advance::Sent, &step);
        self.persist(task, lease, sent).await?;
        // A worker that was stopped for a while must not send what another may be sending.
        if !lease.is_held() {
            return Err(Error::Lost);
        }
        lease.depart();
        self.send(sitting, number, order_of(sitting, pictures))
            .await
    }

    async fn send(
        &self,
        sitting: &Sitting<'_>,
        number: i64,
        order: ImageOrder,
    ) -> Result<Asked, Error> {
        let task = sitting.task;
        let sent_at = self.clock.now();
        let begun = Instant::now();
        let sending = Sending {
            provider: Arc::clone(sitting.provider),
            order,
            task: task.claim.task,
            number,
            price: sitting.price(),
            strays: Arc::clone(&self.strays),
        };
        let heard = self.watched(sitting, sending).await?;
        metrics::histogram!("generation_provider_seconds", "provider" => task.provider.clone())
            .record(begun.elapsed().as_secs_f64());
        if let Some(job) = heard.job() {
            let step = Step::new(EventKind::Generating, ACCEPTED);
            let advance = Advance::Accepted(job.clone());
            let accepted = || (self.work).advance(task.claim, number, &advance, &step);
            self.persist(task, sitting.lease, accepted).await?;
        }
        let (answer, unwritten) = heard.take();
        match answer {
            Ok(Submitted::Done(raw)) => {
                self.cooling.succeeded(&task.provider).await;
                Ok(Asked::Made(Made {
                    attempt: number,
                    raw,
                    unwritten,
                }))
            }
            Ok(Submitted::Accepted(job)) => {
                unwritten.settle();
                self.cooling.succeeded(&task.provider).await;
                self.follow(sitting, number, &job, sent_at).await
            }
            Err(error) => Ok(Asked::Refused {
                attempt: number,
                sends: task.attempts + 1,
                error: as_repeatable(error, sitting),
                unwritten,
            }),
        }
    }

    // While the answer is awaited, how far the provider is, where it tells.
    async fn watched(&self, sitting: &Sitting<'_>, sending: Sending) -> Result<Heard, Error> {
        let mut heard = pin!(sending.send());
        let mut shown = ASKED;
        loop {
            let told = async {
                tokio::time::sleep(PROGRESS_PAUSE).await;
                sitting.provider.progress().await
            };
            tokio::select! {
                heard = &mut heard => return Ok(heard),
                percent = told => match percent {
                    Some(_) => shown = self.show_progress(sitting, percent, shown).await?,
                    // It does not tell, and is not asked again.
                    None => return Ok(heard.await),
                },
            }
        }
    }

    /// Asks about a job until it is done. Asking costs nothing, so passing errors do not end it;
    /// only the provider's time limit does.
    pub(super) async fn follow(
        &self,
        sitting: &Sitting<'_>,
        number: i64,
        job: &Job,
        sent_at: Timestamp,
    ) -> Result<Asked, Error> {
        let (task, provider) = (sitting.task, sitting.provider);
        let limit = provider.timeout();
        // A job that lay between two workers is asked about for a while, however old it is.
        let patience = self.clock.now().plus(limit.min(RESUMED));
        let deadline = sent_at.plus(limit).max(patience);
        // What the provider said when it took the order.
        let quoted = job.cost_microusd.map(Microusd);
        let mut pause = FIRST_POLL;
        let mut shown = ACCEPTED;
        let error = loop {
            let mut hint = None;
            match provider.poll(job).await {
                Ok(Polled::Done(mut raw)) => {
                    raw.spent.cost = raw.spent.cost.or(quoted);
                    return Ok(Asked::Made(Made {
                        attempt: number,
                        raw,
                        unwritten: Unwritten::default(),
                    }));
                }
                Ok(Polled::Pending(percent)) => {
                    shown = self.show_progress(sitting, percent, shown).await?;
                }
                Err(error) => match error.class {
                    ErrorClass::RateLimited | ErrorClass::Unavailable | ErrorClass::Ambiguous => {
                        tracing::debug!(task.id = %task.claim.task, error = %error, "a poll failed");
                        hint = error.retry_after;
                    }
                    // The picture may be there, and paid for; only we are not let in.
                    ErrorClass::Account => break silence(&error.detail),
                    ErrorClass::InvalidOutput => break at_quoted(error, quoted),
                    ErrorClass::Invalid | ErrorClass::Policy => break error,
                },
            }
            if self.clock.now() >= deadline {
                break silence("the job was not done in time");
            }
            tokio::time::sleep(hint.unwrap_or(pause)).await;
            pause = pause.mul_f64(1.5).min(LAST_POLL);
        };
        Ok(Asked::Refused {
            attempt: number,
            sends: task.attempts.max(1),
            error,
            unwritten: Unwritten::default(),
        })
    }

    async fn show_progress(
        &self,
        sitting: &Sitting<'_>,
        percent: Option<u8>,
        shown: u8,
    ) -> Result<u8, Error> {
        let Some(percent) = percent else {
            return Ok(shown);
        };
        // The job's 0 to 100 lie between "accepted" and "storing".
        let progress = ACCEPTED + percent.min(100) / 2;
        if progress < shown.saturating_add(PROGRESS_STEP) {
            return Ok(shown);
        }
        let step = Step::new(EventKind::Generating, progress);
        let note = || self.work.note(sitting.task.claim, &step);
        self.persist(sitting.task, sitting.lease, note).await?;
        Ok(progress)
    }
}

// Of its pictures the mask comes last.
fn order_of(sitting: &Sitting<'_>, mut inputs: Vec<InputImage>) -> ImageOrder {
    let mask = sitting.task.request.mask.and_then(|_| inputs.pop());
    ImageOrder {
        client_ref: sitting.task.claim.task.to_string(),
        spec: sitting.task.request.spec(),
        model: sitting.model.name.clone(),
        inputs,
        mask,
    }
}

// Where sending twice costs nothing, silence is no reason to give up.
fn as_repeatable(mut error: ProviderError, sitting: &Sitting<'_>) -> ProviderError {
    if error.class == ErrorClass::Ambiguous && sitting.provider.is_repeatable() {
        error.class = ErrorClass::Unavailable;
    }
    error
}

// A job that was done, but brought no picture, costs what was said when it was accepted; unless the
// provider says something else.
fn at_quoted(mut error: ProviderError, quoted: Option<Microusd>) -> ProviderError {
    error.spent.cost = error.spent.cost.or(quoted);
    error
}

pub(super) fn silence(detail: &str) -> ProviderError {
    ProviderError {
        class: ErrorClass::Ambiguous,
        message: super::outcome_unknown().message,
        detail: detail.to_owned(),
        retry_after: None,
        spent: Spent::default(),
    }
}

fn without_inputs(sitting: &Sitting<'_>, fault: &Fault) -> Result<PutBack, Failure> {
    if fault.reason == Reason::NotFound {
        return Err(Failure {
            reason: Reason::NotFound,
            message: "an input file was deleted before the work began".to_owned(),
        });
    }
    tracing::warn!(
        task.id = %sitting.task.claim.task,
        error = %fault,
        "could not fetch the input files"
    );
    // Nothing was sent, so this is tried for as long as it takes; each time a little later.
    let holds = u32::try_from(sitting.task.claim.fence).unwrap_or(u32::MAX);
    Ok(PutBack {
        rest: backoff(Duration::from_secs(1), holds),
        step: Step::saying(
            EventKind::Retrying,
            "the input files cannot be fetched right now",
        ),
        attempt: None,
        onto: None,
    })
}

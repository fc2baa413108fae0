//! fal (queue.fal.run): an order is queued, asked about, and its picture fetched.
//!
//! Facts: fal-ai/fal and fal-ai/fal-js clients and docs.fal.ai, see providers.md section 4b. A request
//! is asked about at its owner and app, whatever follows them in the model's name. What it cost is
//! told in units (megapixels, pictures) by a header of the result. A filtered picture comes black,
//! with status 200. There is no failed state: who asks for the result gets the failure.

mod body;
mod reply;

use std::time::Duration;

use async_trait::async_trait;
use egress::Policy;
use reqwest::header::AUTHORIZATION;
use types::Microusd;

use self::body::{Family, request_path};
use self::reply::{Output, Stage, Status, Taken, failure, refusal};
use super::config::{Account, Facts, Price};
use super::http::{Answer, Http, HttpError, again, by_status, wait_of};
use super::limits::Limits;
use super::money::{Tariffs, units};
use super::places::Places;
use crate::domain::provider::{
    ErrorClass, Fit, ImageOrder, ImageProvider, ImageSpec, Job, Model, Polled, ProviderError,
    RawImage, Spent, Stopped, Stops, Submitted,
};

/// As users see it.
pub const NAME: &str = "fal";

pub(super) const FACTS: Facts = Facts {
    name: NAME,
    base_url: "https://queue.fal.run",
    // Of the largest picture taken, of 3 megapixels begun.
    models: &[
        price("fal-ai/flux/schnell", "0.009", "0.003"),
        price("fal-ai/flux/dev", "0.075", "0.025"),
    ],
    timeout: "300s",
    keyless: false,
    result_hosts: &["fal.media"],
    has_units: true,
    max_running: 0,
    takes: |model| Family::of(model).map(|family| family.most_inputs() > 0),
};

const fn price(model: &'static str, dollars: &'static str, unit: &'static str) -> Price {
    Price {
        model,
        dollars,
        as_of: "2026-11-20",
        rates: None,
        unit: Some(unit),
    }
}

const SUBMIT_WAIT: Duration = Duration::from_secs(60);
const ASK_WAIT: Duration = Duration::from_secs(20);
/// What a request that was asked to stop takes to leave the queue.
const STOP_PAUSE: Duration = Duration::from_millis(500);

/// The adapter.
pub struct Fal {
    http: Http,
    places: Places,
    models: Vec<Model>,
    tariffs: Tariffs,
    timeout: Duration,
}

impl Fal {
    /// An adapter for an account, which fetches pictures where the policy lets it.
    ///
    /// # Errors
    /// The client cannot be built.
    pub fn new(account: &Account, policy: &Policy) -> Result<Self, HttpError> {
        let (key, timeout) = (account.key.clone(), account.timeout);
        Ok(Self {
            http: Http::new(&account.base_url, key, AUTHORIZATION, "Key ", timeout)?,
            places: Places::new(account, policy)?,
            models: account.models.clone(),
            tariffs: account.tariffs.clone(),
            timeout,
        })
    }

    fn taken(&self, order: &ImageOrder, answer: &Answer) -> Result<Job, ProviderError> {
        if !answer.status.is_success() {
            let mut fault = self.http.fault(refusal(answer), answer.words());
            fault.retry_after = wait_of(&answer.headers);
            return Err(fault);
        }
        // The id becomes part of a path.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        let taken = (answer.json::<Taken>())
            .filter(|taken| !taken.request_id.is_empty() && taken.request_id.chars().all(is_plain));
        let Some(Taken { request_id: id }) = taken else {
            return Err(self.http.fault(ErrorClass::InvalidOutput, answer.words()));
        };
        let unit = self.tariffs.of(&order.model).unit;
        Ok(Job {
            // The addresses an answer names are not followed: this one they spell, too.
            poll_url: Some(request_path(&order.model, &id)),
            id,
            cost_microusd: None,
            unit_microusd: unit.map(|unit| unit.0),
        })
    }

    async fn get(&self, path: &str) -> Result<Answer, ProviderError> {
        let within = ASK_WAIT.min(self.timeout);
        let answer = self.http.ask(self.http.get(path), within).await;
        answer.map_err(again)
    }

    async fn stage(&self, path: &str) -> Result<Stage, ProviderError> {
        let answer = self.get(&format!("{path}/status")).await?;
        if !answer.status.is_success() {
            return Err(self.not_told(&answer));
        }
        // Garbage in place of a status says nothing about the order: it is asked about again.
        let status = answer.json::<Status>().map(|status| status.stage());
        status.ok_or_else(|| self.http.fault(ErrorClass::Unavailable, answer.words()))
    }

    // Asking failed.
    fn not_told(&self, answer: &Answer) -> ProviderError {
        let class = match answer.status.as_u16() {
            404 => ErrorClass::Ambiguous,
            _ => by_status(answer.status),
        };
        let mut fault = self.http.fault(class, answer.words());
        fault.retry_after = wait_of(&answer.headers);
        match class {
            ErrorClass::Ambiguous if answer.status.as_u16() == 404 => fault,
            _ => again(fault),
        }
    }

    // The result, or the failure, of a request that is over, and what it cost.
    async fn end(&self, job: &Job, begun: bool) -> Result<(Answer, Spent), ProviderError> {
        let answer = self.get(path_of(job)).await?;
        if !answer.status.is_success() && failure(&answer).is_none() {
            return Err(self.not_told(&answer));
        }
        let spent = spent(job, &answer, begun);
        Ok((answer, spent))
    }

    async fn picture(&self, answer: &Answer, spent: Spent) -> Result<RawImage, ProviderError> {
        let fault = |class, detail: String| ProviderError {
            spent,
            ..self.http.fault(class, detail)
        };
        if !answer.status.is_success() {
            let class = failure(answer).unwrap_or(ErrorClass::InvalidOutput);
            return Err(fault(class, answer.words()));
        }
        let Some(output) = answer.json::<Output>() else {
            return Err(fault(ErrorClass::InvalidOutput, answer.words()));
        };
        if output.is_refused() {
            return Err(fault(
                ErrorClass::Policy,
                "has_nsfw_concepts true".to_owned(),
            ));
        }
        let Some(url) = output.url() else {
            return Err(fault(ErrorClass::InvalidOutput, answer.words()));
        };
        match self.places.fetch(&self.http, url).await {
            Ok(bytes) => Ok(RawImage { bytes, spent }),
            Err(error) => Err(ProviderError { spent, ..error }),
        }
    }
}

#[async_trait]
impl ImageProvider for Fal {
    fn name(&self) -> &str {
        NAME
    }

    fn models(&self) -> &[Model] {
        &self.models
    }

    fn fit(&self, model: &Model, spec: &ImageSpec) -> Fit {
        let mut limits = Limits::default();
        if let Ok(family) = Family::of(&model.name) {
            family.check(&mut limits, &model.name, spec);
        }
        limits.ignores(!spec.negative_prompt.is_empty(), &["negativePrompt"]);
        limits.done()
    }

    async fn submit(&self, order: &ImageOrder) -> Result<Submitted, ProviderError> {
        let family = Family::of(&order.model)
            .map_err(|problem| self.http.fault(ErrorClass::Invalid, problem))?;
        let body = family.body(order).await?;
        let request = self.http.post(&family.path(order)).json(&body);
        let answer = self
            .http
            .send(request, SUBMIT_WAIT.min(self.timeout))
            .await?;
        self.taken(order, &answer).map(Submitted::Accepted)
    }

    async fn poll(&self, job: &Job) -> Result<Polled, ProviderError> {
        match self.stage(path_of(job)).await? {
            Stage::Queued | Stage::Running => Ok(Polled::Pending(None)),
            Stage::Over { begun } => {
                let (answer, spent) = self.end(job, begun).await?;
                self.picture(&answer, spent).await.map(Polled::Done)
            }
        }
    }

    fn stops(&self) -> Option<&dyn Stops> {
        Some(self)
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }
}

#[async_trait]
impl Stops for Fal {
    async fn stop(&self, job: &Job) -> Result<Stopped, ProviderError> {
        let path = path_of(job);
        let before = self.stage(path).await?;
        if let Stage::Over { begun } = before {
            return self
                .end(job, begun)
                .await
                .map(|(_, spent)| Stopped::Over(spent));
        }
        let request = self.http.put(&format!("{path}/cancel"));
        let answer = self.http.ask(request, ASK_WAIT.min(self.timeout)).await;
        let answer = answer.map_err(again)?;
        // Done in the meantime: what it cost is told next time.
        if answer.status.as_u16() == 400 {
            return Ok(Stopped::NotYet);
        }
        if !answer.status.is_success() {
            return Err(self.not_told(&answer));
        }
        tokio::time::sleep(STOP_PAUSE.min(self.timeout / 10)).await;
        match self.get(&format!("{path}/status")).await?.status.as_u16() {
            // It waited, was stopped, and is gone: it was never begun.
            404 if before == Stage::Queued => Ok(Stopped::Over(Spent::money(Microusd(0)))),
            _ => Ok(Stopped::NotYet),
        }
    }
}

fn path_of(job: &Job) -> &str {
    job.poll_url.as_deref().unwrap_or_default()
}

// What the header says; where it says nothing, that what failed on their side, or was never begun,
// is free.
fn spent(job: &Job, answer: &Answer, begun: bool) -> Spent {
    let count = answer
        .header("x-fal-billable-units")
        .and_then(|text| text.trim().parse::<f64>().ok());
    let counted =
        (count.zip(job.unit_microusd)).and_then(|(count, unit)| units(count, Microusd(unit)));
    let is_free = match answer.status {
        status if status.is_success() => false,
        status => status.is_server_error() || !begun,
    };
    Spent {
        cost: counted.or(is_free.then_some(Microusd(0))),
        tokens: None,
    }
}

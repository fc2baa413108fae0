//! Replicate (api.replicate.com): a prediction is created, asked about, and its picture fetched.
//!
//! Facts: Replicate's own clients and documentation, see providers.md section 4a. Neither waiting
//! answers nor webhooks are used. Refusals have no code, only words. Results are deleted after an hour.

mod body;
mod prediction;

use std::time::Duration;

use async_trait::async_trait;
use egress::Policy;
use reqwest::RequestBuilder;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};
use time::OffsetDateTime;
use types::Microusd;

use self::body::Family;
use self::prediction::{Prediction, Stage};
use super::config::{Account, Facts, Price};
use super::http::{Answer, Http, HttpError, again, by_status, parse_wait, wait_of};
use super::limits::Limits;
use super::money::Tariffs;
use super::places::Places;
use crate::domain::provider::{
    ErrorClass, Fit, ImageOrder, ImageProvider, ImageSpec, Job, Model, Polled, ProviderError,
    RawImage, Stopped, Stops, Submitted,
};

/// As users see it.
pub const NAME: &str = "replicate";

pub(super) const FACTS: Facts = Facts {
    name: NAME,
    base_url: "https://api.replicate.com/v1",
    models: &[
        price("black-forest-labs/flux-schnell", "0.003"),
        price("black-forest-labs/flux-dev", "0.025"),
        price("black-forest-labs/flux-1.1-pro", "0.04"),
    ],
    // A model that nobody used lately takes minutes to start.
    timeout: "600s",
    keyless: false,
    result_hosts: &["replicate.delivery"],
    has_units: true,
    max_running: 0,
    takes: |model| Family::of(model).map(|family| family.most_inputs() > 0),
};

const fn price(model: &'static str, dollars: &'static str) -> Price {
    Price {
        model,
        dollars,
        as_of: "2026-10-07",
        rates: None,
        unit: None,
    }
}

const SUBMIT_WAIT: Duration = Duration::from_secs(60);
const ASK_WAIT: Duration = Duration::from_secs(20);
/// What may be sent within a request, as its own clients have it; base64 makes four bytes of three.
const MAX_INPUT_BYTES: usize = 7_000_000;

/// The adapter.
pub struct Replicate {
    http: Http,
    places: Places,
    models: Vec<Model>,
    tariffs: Tariffs,
    timeout: Duration,
}

impl Replicate {
    /// An adapter for an account, which fetches pictures where the policy lets it.
    ///
    /// # Errors
    /// The client cannot be built.
    pub fn new(account: &Account, policy: &Policy) -> Result<Self, HttpError> {
        let (key, timeout) = (account.key.clone(), account.timeout);
        Ok(Self {
            http: Http::new(&account.base_url, key, AUTHORIZATION, "Bearer ", timeout)?,
            places: Places::new(account, policy)?,
            models: account.models.clone(),
            tariffs: account.tariffs.clone(),
            timeout,
        })
    }

    fn refused(&self, answer: &Answer) -> ProviderError {
        let mut fault = self.http.fault(by_status(answer.status), answer.words());
        let body = answer.json::<Value>().unwrap_or_default();
        // "… Your rate limit resets in ~30s."
        let told = body["detail"].as_str().and_then(|text| {
            let rest = text.split_once("resets in ~")?.1;
            let span: String = rest
                .chars()
                .take_while(char::is_ascii_alphanumeric)
                .collect();
            parse_wait(&span, OffsetDateTime::now_utc())
        });
        fault.retry_after = wait_of(&answer.headers).or(told);
        fault
    }

    // Asks about a prediction; what is no answer says nothing about it.
    async fn ask(&self, request: RequestBuilder) -> Result<Prediction, ProviderError> {
        let answer = self.http.ask(request, ASK_WAIT.min(self.timeout)).await;
        let answer = answer.map_err(again)?;
        if answer.status.as_u16() == 404 {
            let detail = "the prediction is not known";
            return Err(self.http.fault(ErrorClass::Ambiguous, detail));
        }
        if !answer.status.is_success() {
            return Err(again(self.refused(&answer)));
        }
        let prediction = answer.json::<Prediction>();
        prediction.ok_or_else(|| self.http.fault(ErrorClass::Unavailable, answer.words()))
    }
}

#[async_trait]
impl ImageProvider for Replicate {
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
        limits.done()
    }

    async fn submit(&self, order: &ImageOrder) -> Result<Submitted, ProviderError> {
        let family = Family::of(&order.model)
            .map_err(|problem| self.http.fault(ErrorClass::Invalid, problem))?;
        let size: usize = order.inputs.iter().map(|input| input.bytes.len()).sum();
        if size > MAX_INPUT_BYTES {
            return Err(ProviderError {
                message: "the input image is too large for this provider: at most 7 MB".to_owned(),
                ..(self.http).fault(ErrorClass::Invalid, format!("{size} bytes of input"))
            });
        }
        let body = json!({ "version": order.model, "input": family.input(order) });
        let request = self.http.post("/predictions").json(&body);
        let within = SUBMIT_WAIT.min(self.timeout);
        let answer = self.http.send(request, within).await?;
        if !answer.status.is_success() {
            return Err(self.refused(&answer));
        }
        // The id becomes part of a path.
        let prediction = (answer.json::<Prediction>())
            .filter(|one| !one.id.is_empty() && one.id.chars().all(|c| c.is_ascii_alphanumeric()));
        let Some(prediction) = prediction else {
            return Err(self.http.fault(ErrorClass::InvalidOutput, answer.words()));
        };
        let unit = self.tariffs.of(&order.model).unit;
        Ok(Submitted::Accepted(Job {
            id: prediction.id,
            unit_microusd: unit.map(|unit| unit.0),
            ..Job::default()
        }))
    }

    async fn poll(&self, job: &Job) -> Result<Polled, ProviderError> {
        let request = self.http.get(&format!("/predictions/{}", job.id));
        let prediction = self.ask(request).await?;
        let spent = prediction.spent(job.unit_microusd.map(Microusd));
        let class = match prediction.stage() {
            Stage::Open => return Ok(Polled::Pending(None)),
            Stage::Failed if prediction.is_refused() => ErrorClass::Policy,
            Stage::Failed | Stage::Stopped => ErrorClass::InvalidOutput,
            Stage::Succeeded => match prediction.url() {
                Some(url) => {
                    let fetched = self.places.fetch(&self.http, url).await;
                    let bytes = fetched.map_err(|error| ProviderError { spent, ..error })?;
                    return Ok(Polled::Done(RawImage { bytes, spent }));
                }
                None => ErrorClass::InvalidOutput,
            },
        };
        Err(ProviderError {
            spent,
            ..self.http.fault(class, prediction.words())
        })
    }

    fn stops(&self) -> Option<&dyn Stops> {
        Some(self)
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }
}

#[async_trait]
impl Stops for Replicate {
    // Harmless for what is over: that is answered as it stands.
    async fn stop(&self, job: &Job) -> Result<Stopped, ProviderError> {
        let request = self.http.post(&format!("/predictions/{}/cancel", job.id));
        let prediction = self.ask(request).await?;
        Ok(match prediction.stage() {
            Stage::Open => Stopped::NotYet,
            _ => Stopped::Over(prediction.spent(job.unit_microusd.map(Microusd))),
        })
    }
}

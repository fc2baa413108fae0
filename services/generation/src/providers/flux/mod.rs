//! Black Forest Labs (Flux): an order is taken, asked about, and its picture fetched.
//!
//! Facts: docs.bfl.ai, see providers.md section 3. The answer names a regional address to ask at;
//! refusals and failures come with status 200; only a finished picture is charged.

mod body;

use std::time::Duration;

use async_trait::async_trait;
use egress::Policy;
use reqwest::header::HeaderName;
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use types::Microusd;
use url::form_urlencoded::byte_serialize;

use self::body::Family;
use super::config::{Account, Facts, Price};
use super::http::{Answer, Http, HttpError, again, by_status, parse_wait, wait_of};
use super::limits::Limits;
use super::money::cents;
use super::places::Places;
use crate::domain::provider::{
    ErrorClass, Fit, ImageOrder, ImageProvider, ImageSpec, Job, Model, Polled, ProviderError,
    RawImage, Spent, Submitted,
};

/// As users see it.
pub const NAME: &str = "flux";

pub(super) const FACTS: Facts = Facts {
    name: NAME,
    base_url: "https://api.bfl.ai",
    // The list's prices for the largest picture with the most inputs of a megapixel each: klein-4b
    // begins at 1.4 cents for the first megapixel. What an order really costs is told with every
    // order and settled. The list has no price for flux-dev; it is our requirements' figure.
    models: &[
        price("flux-2-klein-4b", "0.021"),
        price("flux-dev", "0.008"),
        price("flux-2-klein-9b", "0.037"),
        price("flux-2-pro", "0.195"),
        price("flux-2-max", "0.40"),
        price("flux-2-flex", "0.60"),
        price("flux-pro-1.1", "0.04"),
        price("flux-pro-1.1-ultra", "0.06"),
        price("flux-kontext-pro", "0.04"),
        price("flux-kontext-max", "0.08"),
    ],
    timeout: "120s",
    keyless: false,
    result_hosts: &["bfl.ai"],
    has_units: false,
    max_running: 0,
    takes: |model| match Family::of(model) {
        Some(family) => Ok(family.most_inputs(model) > 0),
        None => Err("makes no picture from a prompt alone"),
    },
};

const fn price(model: &'static str, dollars: &'static str) -> Price {
    Price {
        model,
        dollars,
        as_of: "2026-11-20",
        rates: None,
        unit: None,
    }
}

/// The provider's own domain, where the key may be sent.
const HOME: &str = "bfl.ai";
const SUBMIT_WAIT: Duration = Duration::from_secs(60);
const POLL_WAIT: Duration = Duration::from_secs(20);
/// Right after an order its regional address may not know it yet.
const NOT_FOUND_TRIES: usize = 4;
const NOT_FOUND_PAUSE: Duration = Duration::from_millis(500);

/// The adapter.
pub struct Flux {
    http: Http,
    places: Places,
    models: Vec<Model>,
    timeout: Duration,
}

impl Flux {
    /// An adapter for an account, which follows named addresses where the policy lets it.
    ///
    /// # Errors
    /// The client cannot be built.
    pub fn new(account: &Account, policy: &Policy) -> Result<Self, HttpError> {
        let header = HeaderName::from_static("x-key");
        let key = account.key.clone();
        Ok(Self {
            http: Http::new(&account.base_url, key, header, "", account.timeout)?,
            places: Places::new(account, policy)?,
            models: account.models.clone(),
            timeout: account.timeout,
        })
    }

    fn within(&self, most: Duration) -> Duration {
        most.min(self.timeout)
    }

    fn accepted(&self, answer: &Answer) -> Result<Job, ProviderError> {
        if !answer.status.is_success() {
            return Err(self.refused(answer));
        }
        let accepted = answer
            .json::<Accepted>()
            .filter(|accepted| !accepted.id.is_empty());
        let Some(accepted) = accepted else {
            return Err(self.http.fault(ErrorClass::InvalidOutput, answer.words()));
        };
        // An address we may not send the key to is forgotten: the general one is asked instead.
        let poll_url = accepted
            .polling_url
            .filter(|url| self.places.may_ask(url, HOME).is_some());
        Ok(Job {
            id: accepted.id,
            poll_url,
            cost_microusd: accepted.cost.and_then(cents).map(|cost| cost.0),
            unit_microusd: None,
        })
    }

    fn refused(&self, answer: &Answer) -> ProviderError {
        let mut fault = self.http.fault(by_status(answer.status), answer.words());
        let body = answer.json::<Value>().unwrap_or_default();
        let told = match &body["retry_after"] {
            Value::String(text) => parse_wait(text, OffsetDateTime::now_utc()),
            Value::Number(number) => parse_wait(&number.to_string(), OffsetDateTime::now_utc()),
            _ => None,
        };
        fault.retry_after = wait_of(&answer.headers).or(told);
        fault
    }

    async fn status(&self, job: &Job) -> Result<Status, ProviderError> {
        let named = (job.poll_url.as_deref()).and_then(|url| self.places.may_ask(url, HOME));
        let request = match named {
            Some(target) => self.http.with_key(self.places.get(&target)),
            None => {
                let id: String = byte_serialize(job.id.as_bytes()).collect();
                self.http.get(&format!("/v1/get_result?id={id}"))
            }
        };
        let answer = self.http.ask(request, self.within(POLL_WAIT)).await?;
        if answer.status.as_u16() == 404 {
            return Ok(Status::not_found());
        }
        if !answer.status.is_success() {
            return Err(again(self.refused(&answer)));
        }
        // Garbage in place of a status says nothing about the order: it is asked about again.
        let status = answer.json::<Status>();
        status.ok_or_else(|| self.http.fault(ErrorClass::Unavailable, answer.words()))
    }

    async fn found(&self, job: &Job) -> Result<Status, ProviderError> {
        let mut status = self.status(job).await?;
        for _ in 1..NOT_FOUND_TRIES {
            if status.status != "Task not found" {
                break;
            }
            tokio::time::sleep(NOT_FOUND_PAUSE.min(self.timeout / 10)).await;
            status = self.status(job).await?;
        }
        Ok(status)
    }

    async fn fetch(&self, job: &Job, sample: &str) -> Result<RawImage, ProviderError> {
        Ok(RawImage {
            bytes: self.places.fetch(&self.http, sample).await?,
            spent: Spent {
                cost: job.cost_microusd.map(Microusd),
                tokens: None,
            },
        })
    }
}

#[async_trait]
impl ImageProvider for Flux {
    fn name(&self) -> &str {
        NAME
    }

    fn models(&self) -> &[Model] {
        &self.models
    }

    fn fit(&self, model: &Model, spec: &ImageSpec) -> Fit {
        let mut limits = Limits::default();
        if let Some(family) = Family::of(&model.name) {
            family.check(&mut limits, &model.name, spec);
        }
        limits.ignores(!spec.negative_prompt.is_empty(), &["negativePrompt"]);
        limits.done()
    }

    async fn submit(&self, order: &ImageOrder) -> Result<Submitted, ProviderError> {
        let Some(family) = Family::of(&order.model) else {
            return Err(self
                .http
                .fault(ErrorClass::Invalid, "the model takes no prompt"));
        };
        let request = self
            .http
            .post(&format!("/v1/{}", order.model))
            .json(&family.body(order));
        let answer = self.http.send(request, self.within(SUBMIT_WAIT)).await?;
        self.accepted(&answer).map(Submitted::Accepted)
    }

    async fn poll(&self, job: &Job) -> Result<Polled, ProviderError> {
        let status = self.found(job).await?;
        let details = || format!("{}: {}", status.status, status.details);
        match status.status.as_str() {
            "Ready" => match status.result["sample"].as_str() {
                Some(sample) => self.fetch(job, sample).await.map(Polled::Done),
                None => Err(self
                    .http
                    .fault(ErrorClass::InvalidOutput, "Ready without a picture")),
            },
            "Request Moderated" | "Content Moderated" => {
                Err(self.http.fault(ErrorClass::Policy, details()))
            }
            // Only a finished picture is charged.
            "Error" | "Failed" => Err(ProviderError {
                spent: Spent::money(Microusd(0)),
                ..self.http.fault(ErrorClass::InvalidOutput, details())
            }),
            "Task not found" => Err(self
                .http
                .fault(ErrorClass::Ambiguous, "the order is not known")),
            // Also what we do not know: it may be a new name for waiting.
            _ => Ok(Polled::Pending(status.percent())),
        }
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }
}

#[derive(Deserialize)]
struct Accepted {
    id: String,
    polling_url: Option<String>,
    cost: Option<f64>,
}

#[derive(Deserialize)]
struct Status {
    status: String,
    #[serde(default)]
    result: Value,
    #[serde(default)]
    details: Value,
    progress: Option<f64>,
}

impl Status {
    fn not_found() -> Self {
        Self {
            status: "Task not found".to_owned(),
            result: Value::Null,
            details: Value::Null,
            progress: None,
        }
    }

    // Said as a share or as percent.
    fn percent(&self) -> Option<u8> {
        let progress = self.progress.filter(|progress| progress.is_finite())?;
        let percent = if progress <= 1.0 {
            progress * 100.0
        } else {
            progress
        };
        Some(percent.clamp(0.0, 99.0) as u8)
    }
}

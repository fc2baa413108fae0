//! Google Gemini (`generateContent`): one JSON request, the picture as base64 in the answer.
//!
//! Facts: googleapis/python-genai and recorded traffic, see providers.md section 1. Refusals come
//! with status 200. There is no size in pixels, only an aspect ratio.

mod reply;

use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::HeaderName;
use serde_json::{Value, json};
use time::OffsetDateTime;

use self::reply::Reply;
use super::config::{Account, Facts, Price};
use super::http::{
    Answer, Http, HttpError, by_status, decode_picture, encode, parse_wait, wait_of,
};
use super::limits::Limits;
use super::money::Tariffs;
use super::ratio::nearest;
use crate::domain::provider::{
    ErrorClass, Fit, ImageOrder, ImageProvider, ImageSpec, Job, Model, Polled, ProviderError,
    RawImage, Spent, Submitted,
};

/// As users see it.
pub const NAME: &str = "gemini";

pub(super) const FACTS: Facts = Facts {
    name: NAME,
    base_url: "https://generativelanguage.googleapis.com",
    models: &[
        price(
            "gemini-2.5-flash-image",
            "0.039",
            "2026-07-22",
            "0.30,0.30,2.50,30",
        ),
        price("gemini-3-pro-image", "0.134", "2026-07-22", "2,2,12,120"),
        price(
            "gemini-3.1-flash-image",
            "0.067",
            "2026-07-22",
            "0.50,0.50,3,60",
        ),
        price(
            "gemini-nano-banana-2.1",
            "0.0336",
            "2026-10-31",
            "1.50,1.50,7.50,30",
        ),
    ],
    timeout: "180s",
    keyless: false,
    result_hosts: &[],
    has_units: false,
    max_running: 0,
    takes: |_| Ok(true),
};

const fn price(
    model: &'static str,
    dollars: &'static str,
    as_of: &'static str,
    rates: &'static str,
) -> Price {
    Price {
        model,
        dollars,
        as_of,
        rates: Some(rates),
        unit: None,
    }
}

const RATIOS: [&str; 10] = [
    "1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9",
];
/// A request may be 20 MB; base64 makes four bytes of three.
const MAX_INPUTS_BYTES: usize = 14_000_000;

/// The adapter.
pub struct Gemini {
    http: Http,
    models: Vec<Model>,
    tariffs: Tariffs,
    timeout: Duration,
}

impl Gemini {
    /// An adapter for an account.
    ///
    /// # Errors
    /// The client cannot be built.
    pub fn new(account: &Account) -> Result<Self, HttpError> {
        let header = HeaderName::from_static("x-goog-api-key");
        let key = account.key.clone();
        Ok(Self {
            http: Http::new(&account.base_url, key, header, "", account.timeout)?,
            models: account.models.clone(),
            tariffs: account.tariffs.clone(),
            timeout: account.timeout,
        })
    }

    fn read(&self, order: &ImageOrder, answer: &Answer) -> Result<RawImage, ProviderError> {
        if !answer.status.is_success() {
            return Err(self.refused(answer));
        }
        let invalid = |detail: String| self.http.fault(ErrorClass::InvalidOutput, detail);
        let Some(reply) = answer.json::<Reply>() else {
            return Err(invalid(answer.words()));
        };
        // Tokens are billed whether or not they became a picture.
        let usage = reply.usage_metadata.as_ref();
        let spent = usage.map_or_else(Spent::default, |usage| {
            usage.tokens().spent(self.tariffs.of(&order.model).rates)
        });
        let billed = |error: ProviderError| ProviderError { spent, ..error };
        if let Some(reason) = reply.refusal() {
            return Err(billed(self.http.fault(ErrorClass::Policy, reason)));
        }
        let Some(data) = reply.picture() else {
            return Err(billed(invalid(reply.why_none())));
        };
        match decode_picture(data) {
            Some(bytes) => Ok(RawImage { bytes, spent }),
            None => Err(billed(invalid("the picture is not base64".to_owned()))),
        }
    }

    fn refused(&self, answer: &Answer) -> ProviderError {
        let error = answer.json::<Value>().unwrap_or_default();
        // Some paths wrap the error in a list of one.
        let error = error.get(0).unwrap_or(&error)["error"].clone();
        let details = error["details"].as_array().cloned().unwrap_or_default();
        let says = |needle: &str| {
            details
                .iter()
                .any(|detail| detail.to_string().contains(needle))
        };
        let class = match (answer.status.as_u16(), error["status"].as_str()) {
            (400, Some("FAILED_PRECONDITION")) => ErrorClass::Account,
            (400, _) if says("API_KEY_INVALID") => ErrorClass::Account,
            (429, _) if says("PerDay") => ErrorClass::Account,
            _ => by_status(answer.status),
        };
        let mut fault = self.http.fault(class, answer.words());
        if matches!(class, ErrorClass::RateLimited | ErrorClass::Unavailable) {
            let now = OffsetDateTime::now_utc();
            let delay = (details.iter())
                .filter(|detail| {
                    detail["@type"]
                        .as_str()
                        .is_some_and(|it| it.ends_with("google.rpc.RetryInfo"))
                })
                .find_map(|detail| parse_wait(detail["retryDelay"].as_str()?, now));
            fault.retry_after = delay.or_else(|| wait_of(&answer.headers));
        }
        fault
    }
}

#[async_trait]
impl ImageProvider for Gemini {
    fn name(&self) -> &str {
        NAME
    }

    fn models(&self) -> &[Model] {
        &self.models
    }

    fn fit(&self, model: &Model, spec: &ImageSpec) -> Fit {
        let mut limits = Limits::default();
        limits.inputs(spec, &model.name, most_inputs(&model.name));
        // A square of 1024 is what "1:1" gives; any other size is only approached.
        let exact = (spec.width, spec.height) == (1024, 1024);
        limits.ignores(!exact, &["width", "height"]);
        limits.done()
    }

    async fn submit(&self, order: &ImageOrder) -> Result<Submitted, ProviderError> {
        let size: usize = order.inputs.iter().map(|input| input.bytes.len()).sum();
        if size > MAX_INPUTS_BYTES {
            let mut error = self
                .http
                .fault(ErrorClass::Invalid, format!("{size} bytes of input"));
            error.message =
                "the input images are too large for this provider: at most 14 MB together"
                    .to_owned();
            return Err(error);
        }
        let path = format!("/v1beta/models/{}:generateContent", order.model);
        let request = self.http.post(&path).json(&body(order));
        let answer = self.http.send(request, self.timeout).await?;
        self.read(order, &answer).map(Submitted::Done)
    }

    async fn poll(&self, _job: &Job) -> Result<Polled, ProviderError> {
        Err(self
            .http
            .fault(ErrorClass::Ambiguous, "this provider has no jobs"))
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }
}

fn most_inputs(model: &str) -> usize {
    if model.starts_with("gemini-2.5") {
        3
    } else {
        14
    }
}

fn body(order: &ImageOrder) -> Value {
    let spec = &order.spec;
    let mut text = spec.prompt.clone();
    if !spec.negative_prompt.is_empty() {
        text.push_str("\n\nLeave out of the picture: ");
        text.push_str(&spec.negative_prompt);
    }
    let mut parts = vec![json!({ "text": text })];
    parts.extend(order.inputs.iter().map(|input| {
        json!({ "inlineData": { "mimeType": input.content_type, "data": encode(&input.bytes) } })
    }));
    let mut image = json!({ "aspectRatio": nearest(&RATIOS, spec.width, spec.height) });
    // 2K costs the same as 1K here and more elsewhere; 2.5 knows no sizes at all.
    if order.model.starts_with("gemini-3-pro-image") && spec.width.max(spec.height) > 1536 {
        image["imageSize"] = json!("2K");
    }
    json!({
        "contents": [{ "role": "user", "parts": parts }],
        "generationConfig": {
            "responseModalities": ["IMAGE"],
            "imageConfig": image,
            // The field is a signed 32-bit number.
            "seed": spec.seed & 0x7fff_ffff,
        },
    })
}

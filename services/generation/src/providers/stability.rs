//! Stability's v2beta API (`core`, `ultra`, `sd3.5-…`): always multipart, also for text alone.
//!
//! Facts: copies of the reference pages, see providers.md section 2.4. Sizes are aspect ratios; a
//! filtered picture comes blurred, with status 200.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{ACCEPT, AUTHORIZATION};
use reqwest::multipart::Form;
use serde::Deserialize;
use serde_json::Value;

use super::config::{Account, Facts, Price};
use super::http::{Answer, Http, HttpError, by_status, decode_picture, file_part};
use super::limits::Limits;
use super::lockout::locked_out;
use super::ratio::nearest;
use crate::domain::provider::{
    ErrorClass, Fit, ImageOrder, ImageProvider, ImageSpec, Job, Model, Polled, ProviderError,
    RawImage, Spent, Submitted,
};

/// As users see it.
pub const NAME: &str = "stability";

pub(super) const FACTS: Facts = Facts {
    name: NAME,
    base_url: "https://api.stability.ai",
    models: &[
        price("core", "0.03"),
        price("ultra", "0.08"),
        price("sd3.5-large", "0.065"),
        price("sd3.5-large-turbo", "0.04"),
        price("sd3.5-medium", "0.035"),
    ],
    timeout: "120s",
    keyless: false,
    result_hosts: &[],
    has_units: false,
    max_running: 0,
    takes: |model| match endpoint(model) {
        "" => Err("is none of core, ultra and sd3…"),
        "core" => Ok(false),
        _ => Ok(true),
    },
};

const fn price(model: &'static str, dollars: &'static str) -> Price {
    Price {
        model,
        dollars,
        as_of: "2026-06-01",
        rates: None,
        unit: None,
    }
}

const RATIOS: [&str; 9] = [
    "16:9", "1:1", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21",
];
const MAX_PROMPT: usize = 10_000;
const MAX_PAYLOAD: usize = 10_000_000;
const MAX_SEED: u32 = 4_294_967_294;
/// How much an input picture is changed: 0 is not at all. The opposite way of v1.
const STRENGTH: &str = "0.65";

/// The adapter.
pub struct Stability {
    http: Http,
    models: Vec<Model>,
    timeout: Duration,
}

impl Stability {
    /// An adapter for an account.
    ///
    /// # Errors
    /// The client cannot be built.
    pub fn new(account: &Account) -> Result<Self, HttpError> {
        let key = account.key.clone();
        Ok(Self {
            http: Http::new(
                &account.base_url,
                key,
                AUTHORIZATION,
                "Bearer ",
                account.timeout,
            )?,
            models: account.models.clone(),
            timeout: account.timeout,
        })
    }

    fn read(&self, answer: &Answer) -> Result<RawImage, ProviderError> {
        if !answer.status.is_success() {
            return Err(self.refused(answer));
        }
        let invalid = |detail: String| self.http.fault(ErrorClass::InvalidOutput, detail);
        if answer.is_picture() {
            return match answer.header("finish-reason") {
                Some("CONTENT_FILTERED") => Err(self.filtered()),
                _ if answer.body.is_empty() => Err(invalid("an empty picture".to_owned())),
                _ => Ok(RawImage {
                    bytes: answer.body.clone(),
                    spent: Spent::default(),
                }),
            };
        }
        let Some(reply) = answer.json::<Reply>() else {
            return Err(invalid(answer.words()));
        };
        if reply.finish_reason.as_deref() == Some("CONTENT_FILTERED") {
            return Err(self.filtered());
        }
        let bytes = decode_picture(reply.image.as_deref().unwrap_or_default());
        let bytes = bytes.ok_or_else(|| invalid("the picture is not base64".to_owned()))?;
        Ok(RawImage {
            bytes,
            spent: Spent::default(),
        })
    }

    fn filtered(&self) -> ProviderError {
        self.http
            .fault(ErrorClass::Policy, "finish_reason CONTENT_FILTERED")
    }

    fn refused(&self, answer: &Answer) -> ProviderError {
        let body = answer.json::<Value>().unwrap_or_default();
        let class = match (answer.status.as_u16(), body["name"].as_str()) {
            (403, Some("content_moderation")) => ErrorClass::Policy,
            _ => by_status(answer.status),
        };
        locked_out(&self.http, class, answer)
    }
}

#[async_trait]
impl ImageProvider for Stability {
    fn name(&self) -> &str {
        NAME
    }

    fn models(&self) -> &[Model] {
        &self.models
    }

    fn fit(&self, model: &Model, spec: &ImageSpec) -> Fit {
        let mut limits = Limits::default();
        limits.prompts(spec, &model.name, MAX_PROMPT);
        limits.inputs(spec, &model.name, usize::from(model.takes_input_images));
        // Core makes 1.5 megapixels; the others a square of 1024, and with an input its size.
        let square = (spec.width, spec.height) == (1024, 1024);
        let exact = square && model.name != "core" && spec.input_count == 0;
        limits.ignores(!exact, &["width", "height"]);
        limits.done()
    }

    async fn submit(&self, order: &ImageOrder) -> Result<Submitted, ProviderError> {
        let size: usize = order.inputs.iter().map(|input| input.bytes.len()).sum();
        if size + order.spec.prompt.len() > MAX_PAYLOAD {
            let mut error = self
                .http
                .fault(ErrorClass::Invalid, format!("{size} bytes of input"));
            error.message =
                "the input image is too large for this provider: at most 10 MB".to_owned();
            return Err(error);
        }
        let path = format!("/v2beta/stable-image/generate/{}", endpoint(&order.model));
        let request = self
            .http
            .post(&path)
            .header(ACCEPT, "application/json")
            .multipart(form(order)?);
        let answer = self.http.send(request, self.timeout).await?;
        self.read(&answer).map(Submitted::Done)
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

// Where a model is reached; empty for one that is not known.
fn endpoint(model: &str) -> &'static str {
    match model {
        "core" => "core",
        "ultra" => "ultra",
        _ if model.starts_with("sd3") => "sd3",
        _ => "",
    }
}

fn form(order: &ImageOrder) -> Result<Form, ProviderError> {
    let spec = &order.spec;
    let mut form = Form::new()
        .text("prompt", spec.prompt.clone())
        .text("output_format", "png")
        // 0 asks for a random seed.
        .text("seed", spec.seed.clamp(1, MAX_SEED).to_string());
    if !spec.negative_prompt.is_empty() {
        form = form.text("negative_prompt", spec.negative_prompt.clone());
    }
    let sd3 = endpoint(&order.model) == "sd3";
    if sd3 {
        form = form.text("model", order.model.clone());
    }
    let Some(input) = order.inputs.first() else {
        return Ok(form.text(
            "aspect_ratio",
            nearest(&RATIOS, spec.width, spec.height).to_owned(),
        ));
    };
    if sd3 {
        form = form.text("mode", "image-to-image");
    }
    let picture = file_part(input.bytes.clone(), &input.content_type)?;
    Ok(form.part("image", picture).text("strength", STRENGTH))
}

#[derive(Deserialize)]
struct Reply {
    image: Option<String>,
    finish_reason: Option<String>,
}

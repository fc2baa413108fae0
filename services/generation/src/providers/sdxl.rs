//! Stable Diffusion XL over Stability's v1 API: JSON for text alone, multipart with an input
//! picture.
//!
//! Facts: Stability-AI/platform OpenAPI, see providers.md sections 2.1 to 2.3. A filtered picture
//! comes blurred, with status 200.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{ACCEPT, AUTHORIZATION};
use reqwest::multipart::Form;
use serde::Deserialize;
use serde_json::{Value, json};
use types::Microusd;

use super::config::{Account, Facts, Price};
use super::http::{Answer, Http, HttpError, by_status, decode_picture, file_part};
use super::inputs::{off_the_loop, sized_png};
use super::limits::Limits;
use super::lockout::locked_out;
use crate::domain::provider::{
    ErrorClass, Fit, ImageOrder, ImageProvider, ImageSpec, Job, Model, Polled, ProviderError,
    RawImage, Spent, Submitted,
};

/// As users see it.
pub const NAME: &str = "sdxl";

pub(super) const FACTS: Facts = Facts {
    name: NAME,
    base_url: "https://api.stability.ai",
    models: &[Price {
        model: "stable-diffusion-xl-1024-v1-0",
        dollars: "0.015",
        as_of: "2026-11-20",
        rates: None,
        unit: None,
    }],
    timeout: "120s",
    keyless: false,
    result_hosts: &[],
    has_units: false,
    max_running: 0,
    takes: |_| Ok(true),
};

/// The sizes the engine takes.
const SIZES: [(u32, u32); 9] = [
    (1024, 1024),
    (1152, 896),
    (1216, 832),
    (1344, 768),
    (1536, 640),
    (640, 1536),
    (768, 1344),
    (832, 1216),
    (896, 1152),
];
const MAX_PROMPT: usize = 2000;
const STEPS: u32 = 30;
const CFG_SCALE: u32 = 7;
/// How much of an input picture stays: 1 is all of it.
const IMAGE_STRENGTH: &str = "0.35";

/// The adapter.
pub struct Sdxl {
    http: Http,
    models: Vec<Model>,
    timeout: Duration,
}

impl Sdxl {
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

    async fn ask(&self, order: &ImageOrder) -> Result<Answer, ProviderError> {
        let engine = format!("/v1/generation/{}", order.model);
        let Some(input) = order.inputs.first().cloned() else {
            let request = self.http.post(&format!("{engine}/text-to-image"));
            let request = request
                .header(ACCEPT, "application/json")
                .json(&body(&order.spec));
            return self.http.send(request, self.timeout).await;
        };
        let (width, height) = (order.spec.width, order.spec.height);
        // The picture comes back in the size of the input, so the input is brought to it first.
        let png = off_the_loop(move || sized_png(&input, width, height)).await?;
        let request = self.http.post(&format!("{engine}/image-to-image"));
        let request = request
            .header(ACCEPT, "application/json")
            .multipart(form(&order.spec, png)?);
        self.http.send(request, self.timeout).await
    }

    fn read(&self, answer: &Answer) -> Result<RawImage, ProviderError> {
        if !answer.status.is_success() {
            return Err(self.refused(answer));
        }
        let invalid = |detail: String| self.http.fault(ErrorClass::InvalidOutput, detail);
        let artifacts = match answer.json::<Reply>() {
            Some(Reply::Wrapped { artifacts } | Reply::Bare(artifacts)) => artifacts,
            None => return Err(invalid(answer.words())),
        };
        let Some(artifact) = artifacts.first() else {
            return Err(invalid("no artifacts".to_owned()));
        };
        match artifact.finish_reason.as_deref() {
            Some("CONTENT_FILTERED") => {
                return Err(self
                    .http
                    .fault(ErrorClass::Policy, "finishReason CONTENT_FILTERED"));
            }
            // Only what was made is charged.
            Some("ERROR") => {
                return Err(ProviderError {
                    spent: Spent::money(Microusd(0)),
                    ..invalid("finishReason ERROR".to_owned())
                });
            }
            _ => {}
        }
        let bytes = decode_picture(artifact.base64.as_deref().unwrap_or_default());
        let Some(bytes) = bytes else {
            return Err(invalid("the picture is not base64".to_owned()));
        };
        Ok(RawImage {
            bytes,
            spent: Spent::default(),
        })
    }

    fn refused(&self, answer: &Answer) -> ProviderError {
        let body = answer.json::<Value>().unwrap_or_default();
        let class = match body["name"].as_str() {
            Some("invalid_prompts") => ErrorClass::Policy,
            _ => by_status(answer.status),
        };
        locked_out(&self.http, class, answer)
    }
}

#[async_trait]
impl ImageProvider for Sdxl {
    fn name(&self) -> &str {
        NAME
    }

    fn models(&self) -> &[Model] {
        &self.models
    }

    fn fit(&self, model: &Model, spec: &ImageSpec) -> Fit {
        let mut limits = Limits::default();
        let sizes = SIZES
            .map(|(width, height)| format!("{width}x{height}"))
            .join(", ");
        let fine = SIZES.contains(&(spec.width, spec.height));
        limits.size(
            fine,
            &format!("{} takes width x height of {sizes}", model.name),
        );
        limits.prompts(spec, &model.name, MAX_PROMPT);
        limits.inputs(spec, &model.name, 1);
        limits.done()
    }

    async fn submit(&self, order: &ImageOrder) -> Result<Submitted, ProviderError> {
        let answer = self.ask(order).await?;
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

// 0 asks for a random seed.
fn seed(spec: &ImageSpec) -> u32 {
    spec.seed.max(1)
}

fn body(spec: &ImageSpec) -> Value {
    let mut prompts = vec![json!({ "text": spec.prompt, "weight": 1 })];
    if !spec.negative_prompt.is_empty() {
        prompts.push(json!({ "text": spec.negative_prompt, "weight": -1 }));
    }
    json!({
        "text_prompts": prompts,
        "width": spec.width,
        "height": spec.height,
        "cfg_scale": CFG_SCALE,
        "steps": STEPS,
        "samples": 1,
        "seed": seed(spec),
    })
}

fn form(spec: &ImageSpec, png: Vec<u8>) -> Result<Form, ProviderError> {
    let mut form = Form::new()
        .text("text_prompts[0][text]", spec.prompt.clone())
        .text("text_prompts[0][weight]", "1");
    if !spec.negative_prompt.is_empty() {
        form = form
            .text("text_prompts[1][text]", spec.negative_prompt.clone())
            .text("text_prompts[1][weight]", "-1");
    }
    let picture = file_part(png.into(), "image/png")?;
    Ok(form
        .part("init_image", picture)
        .text("init_image_mode", "IMAGE_STRENGTH")
        .text("image_strength", IMAGE_STRENGTH)
        .text("cfg_scale", CFG_SCALE.to_string())
        .text("steps", STEPS.to_string())
        .text("samples", "1")
        .text("seed", seed(spec).to_string()))
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Reply {
    Wrapped { artifacts: Vec<Artifact> },
    // As the specification of 2023 has it.
    Bare(Vec<Artifact>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    base64: Option<String>,
    finish_reason: Option<String>,
}

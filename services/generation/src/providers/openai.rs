//! OpenAI's images API, and every server that speaks it: JSON for text, multipart for edits.
//!
//! Facts: openai/openai-openapi and recorded traffic, see providers.md section 5. There is neither
//! a seed nor a negative prompt. GPT models must not be sent `response_format`; other servers
//! answer with a URL unless they are.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::AUTHORIZATION;
use reqwest::multipart::Form;
use serde::Deserialize;
use serde_json::{Value, json};

use super::config::{Account, Facts, Price};
use super::http::{Answer, Http, HttpError, by_status, decode_picture, file_part, wait_of};
use super::limits::Limits;
use super::money::{Tariffs, Tokens};
use crate::domain::provider::{
    ErrorClass, Extras, Finish, Fit, ImageOrder, ImageProvider, ImageSpec, Job, Model, Polled,
    ProviderError, RawImage, Spent, Submitted,
};

/// As users see it.
pub const NAME: &str = "openai";
/// Another server that speaks it, beside OpenAI.
pub const COMPATIBLE: &str = "compatible";

pub(super) const COMPATIBLE_FACTS: Facts = Facts {
    name: COMPATIBLE,
    base_url: "http://localhost:8080/v1",
    models: &[Price {
        model: "default",
        dollars: "0",
        as_of: "2026-11-22",
        rates: None,
        unit: None,
    }],
    timeout: "600s",
    keyless: true,
    result_hosts: &[],
    has_units: false,
    max_running: 0,
    takes: |_| Ok(true),
};

pub(super) const FACTS: Facts = Facts {
    name: NAME,
    base_url: "https://api.openai.com/v1",
    // The highest price of one picture: high quality at the largest usual size, with inputs.
    models: &[
        price("gpt-image-2", "0.25", "2026-08-21", "5,8,10,30"),
        price("gpt-image-1.5", "0.25", "2026-08-21", "5,8,10,32"),
        price("gpt-image-1-mini", "0.06", "2026-08-21", "2,2.5,8,8"),
    ],
    timeout: "180s",
    keyless: true,
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

const FIXED_SIZES: [(u32, u32); 3] = [(1024, 1024), (1536, 1024), (1024, 1536)];
const MAX_PROMPT: usize = 32_000;
const MAX_INPUTS: usize = 16;

/// The adapter.
pub struct OpenAi {
    name: &'static str,
    http: Http,
    models: Vec<Model>,
    tariffs: Tariffs,
    timeout: Duration,
}

/// What the models of one kind take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The first GPT image models: three sizes.
    FixedSizes,
    /// Later ones: any size in steps of 16.
    FreeSizes,
    /// Another server's model: it knows itself what it takes.
    Other,
}

impl OpenAi {
    /// An adapter for an account.
    ///
    /// # Errors
    /// The client cannot be built.
    pub fn new(account: &Account) -> Result<Self, HttpError> {
        let key = account.key.clone();
        Ok(Self {
            name: account.name,
            http: Http::new(
                &account.base_url,
                key,
                AUTHORIZATION,
                "Bearer ",
                account.timeout,
            )?,
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
        let usage = reply.usage.as_ref();
        let spent = usage.map_or_else(Spent::default, |usage| {
            usage.tokens().spent(self.tariffs.of(&order.model).rates)
        });
        let billed = |error: ProviderError| ProviderError { spent, ..error };
        let Some(picture) = reply.data.first() else {
            return Err(billed(invalid("no pictures".to_owned())));
        };
        // Some servers put a data URL into `url`; a real address is not followed.
        let text = picture
            .b64_json
            .as_deref()
            .or(picture.url.as_deref())
            .unwrap_or_default();
        match decode_picture(text) {
            Some(bytes) => Ok(RawImage { bytes, spent }),
            None => Err(billed(invalid("the picture is not base64".to_owned()))),
        }
    }

    fn refused(&self, answer: &Answer) -> ProviderError {
        let body = answer.json::<Value>().unwrap_or_default();
        let error = &body["error"];
        let code = error["code"].as_str().unwrap_or_default();
        let kind = error["type"].as_str().unwrap_or_default();
        let class = match (answer.status.as_u16(), code) {
            (400, "moderation_blocked" | "content_policy_violation") => ErrorClass::Policy,
            (_, "insufficient_quota" | "billing_hard_limit_reached") => ErrorClass::Account,
            _ if kind == "insufficient_quota" => ErrorClass::Account,
            _ => by_status(answer.status),
        };
        let mut fault = self.http.fault(class, answer.words());
        fault.retry_after = wait_of(&answer.headers);
        fault
    }

    fn edit(&self, order: &ImageOrder) -> Result<reqwest::RequestBuilder, ProviderError> {
        let mut form = Form::new()
            .text("model", order.model.clone())
            .text("prompt", order.spec.prompt.clone())
            .text("n", "1")
            .text("size", size(&order.spec));
        for (field, value) in finish(order) {
            form = form.text(field, value);
        }
        let field = if order.inputs.len() == 1 {
            "image"
        } else {
            "image[]"
        };
        for input in &order.inputs {
            form = form.part(field, file_part(input.bytes.clone(), &input.content_type)?);
        }
        if let Some(mask) = &order.mask {
            form = form.part("mask", file_part(mask.bytes.clone(), &mask.content_type)?);
        }
        Ok(self.http.post("/images/edits").multipart(form))
    }
}

#[async_trait]
impl ImageProvider for OpenAi {
    fn name(&self) -> &str {
        self.name
    }

    fn models(&self) -> &[Model] {
        &self.models
    }

    fn fit(&self, model: &Model, spec: &ImageSpec) -> Fit {
        let mut limits = Limits::default();
        limits.prompts(spec, &model.name, MAX_PROMPT);
        limits.inputs(spec, &model.name, MAX_INPUTS);
        match Kind::of(&model.name) {
            Kind::FixedSizes => {
                let fine = FIXED_SIZES.contains(&(spec.width, spec.height));
                let text = format!(
                    "{} takes width x height of 1024x1024, 1536x1024, 1024x1536",
                    model.name
                );
                limits.size(fine, &text);
            }
            Kind::FreeSizes => {
                let (long, short) = (spec.width.max(spec.height), spec.width.min(spec.height));
                limits.sides(spec, &model.name, (16, 3840), 16);
                let fine = long <= short.saturating_mul(3) && short <= 2160;
                let text = format!(
                    "{} takes up to 3840x2160, one side at most 3 times the other",
                    model.name
                );
                limits.size(fine, &text);
            }
            Kind::Other => {}
        }
        limits.ignores(!spec.negative_prompt.is_empty(), &["negativePrompt"]);
        limits.ignores(true, &["seed"]);
        limits.done()
    }

    fn extras(&self, model: &Model) -> Extras {
        let knows = Kind::of(&model.name) != Kind::Other;
        Extras {
            finish: knows,
            masks: knows,
        }
    }

    // An own server works for nothing.
    fn is_repeatable(&self) -> bool {
        self.name == COMPATIBLE && self.models.iter().all(|one| one.price_per_image.0 == 0)
    }

    async fn submit(&self, order: &ImageOrder) -> Result<Submitted, ProviderError> {
        let request = match order.inputs.is_empty() {
            true => self.http.post("/images/generations").json(&body(order)),
            false => self.edit(order)?,
        };
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

impl Kind {
    fn of(model: &str) -> Self {
        match () {
            () if model.starts_with("gpt-image-1") || model.starts_with("chatgpt-image") => {
                Self::FixedSizes
            }
            () if model.starts_with("gpt-image-") => Self::FreeSizes,
            () => Self::Other,
        }
    }
}

fn size(spec: &ImageSpec) -> String {
    format!("{}x{}", spec.width, spec.height)
}

fn body(order: &ImageOrder) -> Value {
    let mut body = json!({
        "model": order.model,
        "prompt": order.spec.prompt,
        "n": 1,
        "size": size(&order.spec),
    });
    for (field, value) in finish(order) {
        body[field] = json!(value);
    }
    body
}

// What the models of the one kind know, and what those of the other must be told.
fn finish(order: &ImageOrder) -> Vec<(&'static str, &'static str)> {
    if Kind::of(&order.model) == Kind::Other {
        return vec![("response_format", "b64_json")];
    }
    let Finish {
        quality,
        background,
    } = order.spec.finish;
    let quality = quality.map(|one| ("quality", one.as_str()));
    let background = background.map(|one| ("background", one.as_str()));
    quality.into_iter().chain(background).collect()
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    data: Vec<Picture>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Picture {
    b64_json: Option<String>,
    url: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Usage {
    input_tokens: u64,
    output_tokens: u64,
    input_tokens_details: Option<Details>,
    output_tokens_details: Option<Details>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Details {
    text_tokens: u64,
    image_tokens: u64,
}

impl Usage {
    // Without details all that went in counts as text and all that came out as picture.
    fn tokens(&self) -> Tokens {
        let sent = self.input_tokens_details.as_ref();
        let made = self.output_tokens_details.as_ref();
        Tokens {
            text_in: sent.map_or(self.input_tokens, |sent| sent.text_tokens),
            image_in: sent.map_or(0, |sent| sent.image_tokens),
            text_out: made.map_or(0, |made| made.text_tokens),
            image_out: made.map_or(self.output_tokens, |made| made.image_tokens),
        }
    }
}

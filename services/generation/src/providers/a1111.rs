//! An own server that speaks the API of AUTOMATIC1111's web UI: that one and its forks, and
//! stable-diffusion.cpp. One JSON request, the picture as base64 in the answer.
//!
//! Facts: modules/api of the web UI and examples/server of stable-diffusion.cpp, see providers.md section
//! 7. It works at one order at a time, knows no refusals and costs what its owner says. Steps, sampler
//! and scale are the server's own.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::AUTHORIZATION;
use serde::Deserialize;
use serde_json::{Value, json};

use super::config::{Account, Facts, Price};
use super::http::{Answer, Http, HttpError, by_status, decode_picture, encode, wait_of};
use super::inputs::{off_the_loop, sized_png};
use super::limits::Limits;
use crate::domain::provider::{
    ErrorClass, Fit, ImageOrder, ImageProvider, ImageSpec, Job, Model, Polled, ProviderError,
    RawImage, Spent, Submitted,
};

/// As users see it.
pub const NAME: &str = "a1111";

pub(super) const FACTS: Facts = Facts {
    name: NAME,
    base_url: "http://localhost:7860",
    models: &[Price {
        model: DEFAULT,
        dollars: "0",
        as_of: "2026-11-21",
        rates: None,
        unit: None,
    }],
    timeout: "600s",
    keyless: true,
    result_hosts: &[],
    has_units: false,
    max_running: 1,
    takes: |_| Ok(true),
};

const PROGRESS_WAIT: Duration = Duration::from_secs(2);
/// Whichever model the server has loaded; every other name is a checkpoint's.
const DEFAULT: &str = "default";
/// How much an input picture is changed: 0 is not at all.
const STRENGTH: f64 = 0.65;
/// Within these stable-diffusion.cpp reads options out of a prompt.
const OPTIONS: (&str, &str) = ("<sd_cpp_extra_args>", "</sd_cpp_extra_args>");

/// The adapter.
pub struct A1111 {
    http: Http,
    models: Vec<Model>,
    timeout: Duration,
}

impl A1111 {
    /// An adapter for a server; its key is `user:password`, where it asks for one.
    ///
    /// # Errors
    /// The client cannot be built.
    pub fn new(account: &Account) -> Result<Self, HttpError> {
        let (key, timeout) = (account.key.clone(), account.timeout);
        Ok(Self {
            http: Http::new(&account.base_url, key, AUTHORIZATION, "Basic ", timeout)?,
            models: account.models.clone(),
            timeout,
        })
    }

    async fn ask(&self, order: &ImageOrder) -> Result<Answer, ProviderError> {
        let mut body = body(order);
        let mut path = "/sdapi/v1/txt2img";
        if let Some(input) = order.inputs.first().cloned() {
            let (width, height) = (order.spec.width, order.spec.height);
            let png = off_the_loop(move || sized_png(&input, width, height)).await?;
            body["init_images"] = json!([encode(&png)]);
            body["denoising_strength"] = json!(STRENGTH);
            path = "/sdapi/v1/img2img";
        }
        let request = self.http.post(path).json(&body);
        self.http.send(request, self.timeout).await
    }

    fn read(&self, answer: &Answer) -> Result<RawImage, ProviderError> {
        if !answer.status.is_success() {
            return Err(self.refused(answer));
        }
        let reply = answer.json::<Reply>();
        let picture = (reply.as_ref())
            .and_then(|reply| reply.images.first())
            .and_then(|text| decode_picture(text));
        match picture {
            Some(bytes) => Ok(RawImage {
                bytes,
                spent: Spent::default(),
            }),
            None => Err(self.http.fault(ErrorClass::InvalidOutput, answer.words())),
        }
    }

    fn refused(&self, answer: &Answer) -> ProviderError {
        let body = answer.json::<Value>().unwrap_or_default();
        let class = match answer.status.as_u16() {
            // Not a word about the order: the server was started without its API.
            404 if body["detail"] == "Not Found" => ErrorClass::Account,
            500 if body["error"] == "OutOfMemoryError" => ErrorClass::Invalid,
            _ => by_status(answer.status),
        };
        let mut fault = self.http.fault(class, answer.words());
        fault.retry_after = wait_of(&answer.headers);
        fault
    }
}

#[async_trait]
impl ImageProvider for A1111 {
    fn name(&self) -> &str {
        NAME
    }

    fn models(&self) -> &[Model] {
        &self.models
    }

    fn fit(&self, model: &Model, spec: &ImageSpec) -> Fit {
        let mut limits = Limits::default();
        limits.inputs(spec, &model.name, 1);
        limits.sides(spec, &model.name, (64, 2048), 8);
        limits.done()
    }

    // Of the whole server; it has one order at a time.
    async fn progress(&self) -> Option<u8> {
        let request = self.http.get("/sdapi/v1/progress?skip_current_image=true");
        let answer = self.http.send(request, PROGRESS_WAIT).await.ok()?;
        let told = answer.json::<Progress>()?.progress;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "within 0 to 100"
        )]
        let percent = (told.clamp(0.0, 1.0) * 100.0) as u8;
        (answer.status.is_success() && told.is_finite()).then_some(percent)
    }

    // The seed is told, and nobody is paid.
    fn is_repeatable(&self) -> bool {
        self.models.iter().all(|model| model.price_per_image.0 == 0)
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

fn body(order: &ImageOrder) -> Value {
    let spec = &order.spec;
    let mut body = json!({
        "prompt": without_options(&spec.prompt),
        "negative_prompt": without_options(&spec.negative_prompt),
        "seed": spec.seed,
        "width": spec.width,
        "height": spec.height,
        "batch_size": 1,
        "n_iter": 1,
        "send_images": true,
        "save_images": false,
    });
    if order.model != DEFAULT {
        body["override_settings"] = json!({ "sd_model_checkpoint": order.model });
    }
    body
}

// Takes out what is none of the prompt, also what only appears once that is out.
fn without_options(text: &str) -> String {
    let mut text = text.to_owned();
    while let Some(start) = text.find(OPTIONS.0) {
        let end = text[start..].find(OPTIONS.1);
        let end = end.map_or(text.len(), |end| start + end + OPTIONS.1.len());
        text.replace_range(start..end, "");
    }
    text
}

#[derive(Deserialize)]
struct Progress {
    progress: f64,
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    images: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_holds_no_options() {
        for (text, want) in [
            ("a fox", "a fox"),
            ("a <sd_cpp_extra_args>{}</sd_cpp_extra_args>fox", "a fox"),
            ("a fox<sd_cpp_extra_args>{\"steps\":1}", "a fox"),
            (
                "<sd_cpp<sd_cpp_extra_args></sd_cpp_extra_args>_extra_args>{}</sd_cpp_extra_args>ü",
                "ü",
            ),
        ] {
            assert_eq!(without_options(text), want, "{text}");
        }
    }
}

//! The built-in provider: draws by rule, without a model, a key or a cost.

mod drawing;
mod png;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use types::Microusd;

use self::drawing::{Brief, Given, draw};
use super::http::fault;
use super::inputs::{decode, off_the_loop};
use super::limits::Limits;
use crate::domain::provider::{
    ErrorClass, Fit, ImageOrder, ImageProvider, ImageSpec, InputImage, Job, Model, Polled,
    ProviderError, RawImage, Spent, Submitted,
};

/// As users see it.
pub const NAME: &str = "sketch";

const LEAST_SIDE: u32 = 64;
const MOST_SIDE: u32 = 2048;
const STEP: u32 = 8;

/// Its one model. The number changes when the same order would give another picture.
pub fn model() -> Model {
    Model {
        name: "sketch-1".to_owned(),
        price_per_image: Microusd(0),
        price_as_of: "2026-11-20".to_owned(),
        takes_input_images: true,
    }
}

/// Draws pictures from the words of a prompt: always the same for the same order.
pub struct Sketch {
    models: [Model; 1],
}

impl Sketch {
    /// It is always ready.
    #[must_use]
    pub fn new() -> Self {
        Self { models: [model()] }
    }
}

impl Default for Sketch {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl ImageProvider for Sketch {
    fn name(&self) -> &str {
        NAME
    }

    fn models(&self) -> &[Model] {
        &self.models
    }

    fn fit(&self, _model: &Model, spec: &ImageSpec) -> Fit {
        let mut limits = Limits::default();
        limits.sides(spec, NAME, (LEAST_SIDE, MOST_SIDE), STEP);
        limits.inputs(spec, NAME, 1);
        limits.done()
    }

    fn is_repeatable(&self) -> bool {
        true
    }

    fn is_procedural(&self) -> bool {
        true
    }

    async fn submit(&self, order: &ImageOrder) -> Result<Submitted, ProviderError> {
        if let Fit::No(violations) = self.fit(&self.models[0], &order.spec) {
            let words: Vec<String> = (violations.into_iter())
                .map(|one| format!("{}: {}", one.field, one.description))
                .collect();
            return Err(fault(ErrorClass::Invalid, words.join("; ")));
        }
        let (spec, input) = (order.spec.clone(), order.inputs.first().cloned());
        let bytes = off_the_loop(move || render(spec, input.as_ref())).await?;
        // It has no bill: what its model is priced at stands, nothing unless an operator says otherwise.
        let spent = Spent::default();
        Ok(Submitted::Done(RawImage { bytes, spent }))
    }

    async fn poll(&self, _job: &Job) -> Result<Polled, ProviderError> {
        Err(fault(ErrorClass::Ambiguous, "this provider has no jobs"))
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(60)
    }
}

fn render(spec: ImageSpec, input: Option<&InputImage>) -> Result<Bytes, ProviderError> {
    let given = input.map(decode).transpose()?.map(|picture| Given {
        width: picture.width() as usize,
        height: picture.height() as usize,
        rgb: picture.into_raw(),
    });
    let brief = Brief {
        prompt: spec.prompt,
        negative_prompt: spec.negative_prompt,
        width: spec.width as usize,
        height: spec.height as usize,
        seed: spec.seed,
        given,
    };
    let picture = png::write(&draw(&brief), spec.width, spec.height);
    picture.map_err(|error| fault(ErrorClass::Unavailable, format!("cannot encode: {error}")))
}

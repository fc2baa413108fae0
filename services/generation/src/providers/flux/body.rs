//! What the families of Flux models take, and how an order is written for each.

use serde_json::{Map, Value, json};

use crate::domain::provider::{ImageOrder, ImageSpec};
use crate::providers::http::encode;
use crate::providers::limits::Limits;
use crate::providers::ratio::nearest;

const RATIOS: [&str; 11] = [
    "1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9", "9:21",
];
const MAX_PIXELS: u64 = 4_194_304;

/// Models that take the same body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// FLUX.2: any size in steps of 16 up to 4 megapixels, several input pictures.
    Flux2,
    /// FLUX.1: sides of 256 to 1440 in steps of 32, one picture as a prompt.
    Flux1,
    /// FLUX.1 ultra: an aspect ratio.
    Ultra,
    /// FLUX.1 Kontext: an aspect ratio, one picture to edit.
    Kontext,
}

impl Family {
    /// The family of a model; `None` for tools that need more than a prompt.
    pub fn of(model: &str) -> Option<Self> {
        let tool = ["fill", "expand", "canny", "depth", "vto", "erase"];
        if tool.iter().any(|tool| model.contains(tool)) {
            return None;
        }
        Some(match () {
            () if model.contains("kontext") => Self::Kontext,
            () if model.ends_with("ultra") => Self::Ultra,
            () if model.starts_with("flux-pro") || model.starts_with("flux-dev") => Self::Flux1,
            () => Self::Flux2,
        })
    }

    /// How many input pictures a model takes.
    pub fn most_inputs(self, model: &str) -> usize {
        match self {
            Self::Flux2 if model.contains("klein") => 4,
            Self::Flux2 => 8,
            Self::Flux1 | Self::Ultra | Self::Kontext => 1,
        }
    }

    /// Holds an order against what the family takes.
    pub fn check(self, limits: &mut Limits, model: &str, spec: &ImageSpec) {
        limits.inputs(spec, model, self.most_inputs(model));
        match self {
            Self::Flux2 => {
                limits.sides(spec, model, (64, 4096), 16);
                let pixels = u64::from(spec.width) * u64::from(spec.height);
                let text = format!("{model} takes at most 4 megapixels");
                limits.size(pixels <= MAX_PIXELS, &text);
            }
            Self::Flux1 => limits.sides(spec, model, (256, 1440), 32),
            Self::Ultra | Self::Kontext => limits.ignores(true, &["width", "height"]),
        }
    }

    /// The order as the API takes it.
    pub fn body(self, order: &ImageOrder) -> Value {
        let spec = &order.spec;
        let mut body = Map::new();
        body.insert("prompt".to_owned(), json!(spec.prompt));
        body.insert("seed".to_owned(), json!(spec.seed));
        body.insert("output_format".to_owned(), json!("png"));
        match self {
            Self::Flux2 | Self::Flux1 => {
                body.insert("width".to_owned(), json!(spec.width));
                body.insert("height".to_owned(), json!(spec.height));
            }
            Self::Ultra | Self::Kontext => {
                let ratio = nearest(&RATIOS, spec.width, spec.height);
                body.insert("aspect_ratio".to_owned(), json!(ratio));
            }
        }
        for (index, input) in order.inputs.iter().enumerate() {
            let field = match (self, index) {
                (Self::Flux1 | Self::Ultra, _) => "image_prompt".to_owned(),
                (_, 0) => "input_image".to_owned(),
                (_, index) => format!("input_image_{}", index + 1),
            };
            body.insert(field, json!(encode(&input.bytes)));
        }
        Value::Object(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_have_their_family() {
        for (model, want) in [
            ("flux-2-pro", Some(Family::Flux2)),
            ("flux-3-anything", Some(Family::Flux2)),
            ("flux-pro-1.1", Some(Family::Flux1)),
            ("flux-dev", Some(Family::Flux1)),
            ("flux-pro-1.1-ultra", Some(Family::Ultra)),
            ("flux-kontext-max", Some(Family::Kontext)),
            ("flux-pro-1.0-fill", None),
            ("flux-pro-1.0-expand", None),
        ] {
            assert_eq!(Family::of(model), want, "{model}");
        }
    }
}

//! What the families of models on Replicate take: each model has a schema of its own, so only models
//! of a family that is known are offered.

use serde_json::{Map, Value, json};

use crate::domain::provider::{ImageOrder, ImageSpec};
use crate::providers::http::encode;
use crate::providers::limits::Limits;
use crate::providers::ratio::nearest;

const RATIOS: [&str; 11] = [
    "1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21",
];
/// How much an input picture is changed: 0 is not at all.
const STRENGTH: f64 = 0.8;

/// Models that take the same input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// FLUX.1 [schnell]: an aspect ratio, text alone.
    Schnell,
    /// FLUX.1 [dev]: an aspect ratio, one picture to start from.
    Dev,
    /// FLUX1.1 [pro]: a size, one picture as a prompt.
    Pro,
    /// Stable Diffusion XL: a size, a negative prompt, one picture to start from.
    Sdxl,
    /// Stable Diffusion 3.5: an aspect ratio, one picture to start from.
    Sd35,
}

impl Family {
    /// The family of a model, written `owner/name` or `owner/name:version`; an error says what is
    /// wrong with it.
    pub fn of(model: &str) -> Result<Self, &'static str> {
        let (name, version) = model.split_once(':').unwrap_or((model, "0"));
        let Some((owner, name)) = name.split_once('/') else {
            return Err("is not written owner/name or owner/name:version");
        };
        let plain = |text: &str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            !text.is_empty() && text.chars().all(is_plain)
        };
        if ![owner, name, version].into_iter().all(plain) {
            return Err("is not written owner/name or owner/name:version");
        }
        match name {
            "flux-schnell" => Ok(Self::Schnell),
            "flux-dev" => Ok(Self::Dev),
            "flux-1.1-pro" => Ok(Self::Pro),
            "sdxl" => Ok(Self::Sdxl),
            _ if name.starts_with("stable-diffusion-3.5") => Ok(Self::Sd35),
            _ => Err("takes an input that is not known here"),
        }
    }

    /// How many input pictures it takes.
    pub const fn most_inputs(self) -> usize {
        match self {
            Self::Schnell => 0,
            Self::Dev | Self::Pro | Self::Sdxl | Self::Sd35 => 1,
        }
    }

    /// Holds an order against what the family takes.
    pub fn check(self, limits: &mut Limits, model: &str, spec: &ImageSpec) {
        limits.inputs(spec, model, self.most_inputs());
        match self {
            Self::Schnell | Self::Dev | Self::Sd35 => {
                let exact = (spec.width, spec.height) == (1024, 1024) && spec.input_count == 0;
                limits.ignores(!exact, &["width", "height"]);
            }
            Self::Pro => limits.sides(spec, model, (256, 1440), 32),
            Self::Sdxl => limits.sides(spec, model, (256, 1536), 8),
        }
        let unheard = self != Self::Sdxl && !spec.negative_prompt.is_empty();
        limits.ignores(unheard, &["negativePrompt"]);
    }

    /// The order as the model takes it.
    pub fn input(self, order: &ImageOrder) -> Value {
        let spec = &order.spec;
        let mut input = Map::new();
        let mut set = |name: &str, value: Value| input.insert(name.to_owned(), value);
        set("prompt", json!(spec.prompt));
        set("seed", json!(spec.seed & 0x7fff_ffff));
        let ratio = nearest(&RATIOS, spec.width, spec.height);
        match self {
            Self::Schnell | Self::Dev | Self::Sd35 => {
                set("aspect_ratio", json!(ratio));
                set("output_format", json!("png"));
            }
            Self::Pro => {
                set("aspect_ratio", json!("custom"));
                set("width", json!(spec.width));
                set("height", json!(spec.height));
                set("output_format", json!("png"));
            }
            Self::Sdxl => {
                set("negative_prompt", json!(spec.negative_prompt));
                set("width", json!(spec.width));
                set("height", json!(spec.height));
            }
        }
        // The others make one, and know no other number.
        if matches!(self, Self::Schnell | Self::Dev | Self::Sdxl) {
            set("num_outputs", json!(1));
        }
        if let Some(picture) = order.inputs.first() {
            let code = encode(&picture.bytes);
            let url = json!(format!("data:{};base64,{code}", picture.content_type));
            match self {
                Self::Pro => set("image_prompt", url),
                _ => {
                    set("prompt_strength", json!(STRENGTH));
                    set("image", url)
                }
            };
        }
        Value::Object(input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_have_their_family() {
        for (model, want) in [
            ("black-forest-labs/flux-schnell", Some(Family::Schnell)),
            ("black-forest-labs/flux-1.1-pro", Some(Family::Pro)),
            ("stability-ai/sdxl:39ed52f2a78e", Some(Family::Sdxl)),
            (
                "stability-ai/stable-diffusion-3.5-large",
                Some(Family::Sd35),
            ),
            ("somebody/videos", None),
            ("flux-schnell", None),
            ("a/flux-dev:", None),
            ("a/b/flux-dev", None),
        ] {
            assert_eq!(Family::of(model).ok(), want, "{model}");
        }
    }
}

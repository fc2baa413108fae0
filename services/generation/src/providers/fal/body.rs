//! What the families of models on fal take, and how an order is written for each.

use serde_json::{Map, Value, json};

use crate::domain::provider::{ImageOrder, ImageSpec, ProviderError};
use crate::providers::http::encode;
use crate::providers::inputs::{off_the_loop, sized_png};
use crate::providers::limits::Limits;

/// Beyond two of them a picture would cost more than its list price says.
const MAX_PIXELS: u64 = 2 * 1024 * 1024;
/// How much an input picture is changed: 0 is not at all.
const STRENGTH: f64 = 0.85;

/// Models that take the same body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Text alone.
    Text,
    /// FLUX.1 [dev]: also one picture to start from, whose size it keeps.
    Restyling,
    /// FLUX.2: also several pictures to edit.
    Editing,
}

impl Family {
    /// The family of a model; an error says what is wrong with its name.
    pub fn of(model: &str) -> Result<Self, &'static str> {
        let parts: Vec<&str> = model.split('/').collect();
        let plain = |part: &&str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            !part.is_empty() && !part.starts_with('.') && part.chars().all(is_plain)
        };
        match parts.as_slice() {
            parts if parts.len() < 2 || !parts.iter().all(plain) => {
                Err("is not written owner/app, like fal-ai/flux/dev")
            }
            [.., "image-to-image" | "edit"] => {
                Err("is chosen by the order: name it without its last part")
            }
            [_, "flux", "dev"] => Ok(Self::Restyling),
            [_, app, ..] if app.starts_with("flux-2") => Ok(Self::Editing),
            _ => Ok(Self::Text),
        }
    }

    /// How many input pictures it takes.
    pub const fn most_inputs(self) -> usize {
        match self {
            Self::Text => 0,
            Self::Restyling => 1,
            Self::Editing => 8,
        }
    }

    /// Holds an order against what the family takes.
    pub fn check(self, limits: &mut Limits, model: &str, spec: &ImageSpec) {
        limits.inputs(spec, model, self.most_inputs());
        limits.sides(spec, model, (256, 2048), 16);
        let pixels = u64::from(spec.width) * u64::from(spec.height);
        let text = format!("{model} takes at most 2 megapixels");
        limits.size(pixels <= MAX_PIXELS, &text);
    }

    /// Where the order goes: models with an input picture have an address of their own.
    pub fn path(self, order: &ImageOrder) -> String {
        let model = &order.model;
        match (self, order.inputs.is_empty()) {
            (Self::Restyling, false) => format!("/{model}/image-to-image"),
            (Self::Editing, false) => format!("/{model}/edit"),
            _ => format!("/{model}"),
        }
    }

    /// The order as the model takes it.
    ///
    /// # Errors
    /// An input picture cannot be decoded.
    pub async fn body(self, order: &ImageOrder) -> Result<Value, ProviderError> {
        let spec = &order.spec;
        let (width, height) = (spec.width, spec.height);
        let mut body = Map::new();
        let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
        set("prompt", json!(spec.prompt));
        set("seed", json!(spec.seed));
        set("output_format", json!("png"));
        set("enable_safety_checker", json!(true));
        match (self, order.inputs.first().cloned()) {
            (Self::Restyling, Some(input)) => {
                // The picture comes back in the size of the input, so that is brought to it first.
                let png = off_the_loop(move || sized_png(&input, width, height)).await?;
                set("image_url", json!(data_url("image/png", &png)));
                set("strength", json!(STRENGTH));
                set("num_images", json!(1));
            }
            (Self::Editing, Some(_)) => {
                let urls =
                    (order.inputs.iter()).map(|input| data_url(&input.content_type, &input.bytes));
                set("image_urls", json!(urls.collect::<Vec<_>>()));
                set("image_size", json!({ "width": width, "height": height }));
            }
            (Self::Editing, None) => {
                set("image_size", json!({ "width": width, "height": height }));
            }
            (Self::Text | Self::Restyling, _) => {
                set("image_size", json!({ "width": width, "height": height }));
                set("num_images", json!(1));
            }
        }
        Ok(Value::Object(body))
    }
}

/// Where a request of a model is asked about: owner and app, without what follows them.
pub fn request_path(model: &str, id: &str) -> String {
    let app: Vec<&str> = model.split('/').take(2).collect();
    format!("/{}/requests/{id}", app.join("/"))
}

fn data_url(content_type: &str, bytes: &[u8]) -> String {
    format!("data:{content_type};base64,{}", encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_have_their_family() {
        for (model, want) in [
            ("fal-ai/flux/schnell", Some(Family::Text)),
            ("fal-ai/flux/dev", Some(Family::Restyling)),
            ("fal-ai/flux-2-pro", Some(Family::Editing)),
            ("somebody/own-app", Some(Family::Text)),
            ("fal-ai/flux/dev/image-to-image", None),
            ("fal-ai/flux-2-pro/edit", None),
            ("flux", None),
            ("fal-ai/", None),
            ("fal-ai/../x", None),
            ("fal-ai/flux?x=1", None),
        ] {
            assert_eq!(Family::of(model).ok(), want, "{model}");
        }
    }

    #[test]
    fn requests_are_asked_about_at_the_app() {
        let path = request_path("fal-ai/flux/dev", "1-a");
        assert_eq!(path, "/fal-ai/flux/requests/1-a");
    }
}

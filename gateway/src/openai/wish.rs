//! What a request wishes for, read from JSON or from the texts of a form, and the same in our words.

use contracts::generation::v1::ImageSpec;
use contracts::generation::v1::image_spec::{Background, Quality};
use serde_json::{Map, Value};

use super::refusal::Refusal;

/// As many pictures as one request may ask for.
const MOST: i64 = 10;

/// How pictures are brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// In the answer.
    Base64,
    /// As the address of the file.
    Url,
}

/// What is wished for.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    prompt: String,
    size: Option<(i32, i32)>,
    quality: Quality,
    background: Background,
    /// As it was named; `None` for any.
    pub(super) model: Option<String>,
    pub(super) count: usize,
    pub(super) form: Form,
}

impl Wish {
    /// Reads the fields. Those that only colour the answer (`user`, `moderation`, `style`, `output_format`,
    /// `output_compression`, `input_fidelity`) are not looked at.
    ///
    /// # Errors
    /// The first field that cannot be granted.
    pub(super) fn read(fields: &Map<String, Value>) -> Result<Self, Refusal> {
        let prompt = text(fields, "prompt")?.unwrap_or_default();
        if prompt.is_empty() {
            return Err(Refusal::field("prompt", "must be there"));
        }
        if flag(fields, "stream") || number(fields, "partial_images")?.is_some_and(|n| n > 0) {
            let message = "is not offered: watch /v1/generations/{id}/events for progress";
            return Err(Refusal::field("stream", message));
        }
        let count = number(fields, "n")?.unwrap_or(1);
        if !(1..=MOST).contains(&count) {
            return Err(Refusal::field("n", format!("must be 1 to {MOST}")));
        }
        let model = text(fields, "model")?.filter(|name| !matches!(*name, "" | "auto"));
        Ok(Self {
            prompt: prompt.to_owned(),
            size: size(fields)?,
            quality: quality(fields)?,
            background: background(fields)?,
            model: model.map(str::to_owned),
            count: usize::try_from(count).unwrap_or(1),
            form: form(fields)?,
        })
    }

    /// The order of one picture.
    pub(super) fn spec(&self, (provider, model): (String, String)) -> ImageSpec {
        ImageSpec {
            prompt: self.prompt.clone(),
            width: self.size.map(|size| size.0),
            height: self.size.map(|size| size.1),
            provider,
            model,
            quality: self.quality.into(),
            background: self.background.into(),
            ..ImageSpec::default()
        }
    }
}

fn text<'a>(
    fields: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, Refusal> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Refusal::field(name, "must be text")),
    }
}

// Forms have no numbers, only texts that look like them.
fn number(fields: &Map<String, Value>, name: &'static str) -> Result<Option<i64>, Refusal> {
    let read = match fields.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.parse().ok(),
        Some(value) => value.as_i64(),
    };
    let wrong = || Refusal::field(name, "must be a whole number");
    read.map(Some).ok_or_else(wrong)
}

fn flag(fields: &Map<String, Value>, name: &str) -> bool {
    match fields.get(name) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => text == "true",
        _ => false,
    }
}

fn size(fields: &Map<String, Value>) -> Result<Option<(i32, i32)>, Refusal> {
    let side = |text: &str| text.parse().ok().filter(|side| *side > 0);
    match text(fields, "size")? {
        None | Some("" | "auto") => Ok(None),
        Some(size) => {
            let sides = size.split_once('x');
            let sides = sides.and_then(|(width, height)| Some((side(width)?, side(height)?)));
            let wrong = || Refusal::field("size", "must be auto or like 1024x1024");
            sides.map(Some).ok_or_else(wrong)
        }
    }
}

fn quality(fields: &Map<String, Value>) -> Result<Quality, Refusal> {
    Ok(match text(fields, "quality")? {
        None | Some("" | "auto" | "standard") => Quality::Unspecified,
        Some("low") => Quality::Low,
        Some("medium") => Quality::Medium,
        Some("high" | "hd" | "xhigh" | "max") => Quality::High,
        Some(_) => {
            let message = "must be auto, low, medium, high, standard or hd";
            return Err(Refusal::field("quality", message));
        }
    })
}

fn background(fields: &Map<String, Value>) -> Result<Background, Refusal> {
    Ok(match text(fields, "background")? {
        None | Some("" | "auto") => Background::Unspecified,
        Some("opaque") => Background::Opaque,
        Some("transparent") => Background::Transparent,
        Some(_) => {
            let message = "must be auto, opaque or transparent";
            return Err(Refusal::field("background", message));
        }
    })
}

fn form(fields: &Map<String, Value>) -> Result<Form, Refusal> {
    match text(fields, "response_format")? {
        None | Some("" | "b64_json") => Ok(Form::Base64),
        Some("url") => Ok(Form::Url),
        Some(_) => Err(Refusal::field("response_format", "must be b64_json or url")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(fields: Value) -> Result<Wish, Refusal> {
        let Value::Object(fields) = fields else {
            return Err(Refusal::field("prompt", "must be there"));
        };
        Wish::read(&fields)
    }

    #[test]
    fn a_wish_becomes_an_order() {
        let wish = read(json!({
            "prompt": "a fox", "n": 2, "size": "1536x1024", "quality": "hd",
            "background": "transparent", "response_format": "url", "model": "auto",
            "user": "u-1", "style": "vivid", "output_format": "webp",
        }))
        .unwrap();
        let spec = wish.spec((String::new(), String::new()));
        assert_eq!((spec.width, spec.height), (Some(1_536), Some(1_024)));
        assert_eq!(spec.quality(), Quality::High);
        assert_eq!(spec.background(), Background::Transparent);
        assert_eq!((wish.count, wish.form, wish.model), (2, Form::Url, None));
        let least = read(json!({"prompt": "a fox", "size": null, "n": "3"})).unwrap();
        assert_eq!((least.count, least.form), (3, Form::Base64));
        assert_eq!(least.spec(Default::default()).width, None);
    }

    #[test]
    fn what_cannot_be_granted_is_named() {
        for fields in [
            json!({}),
            json!({"prompt": ""}),
            json!({"prompt": 7}),
            json!({"prompt": "a", "n": 0}),
            json!({"prompt": "a", "n": 11}),
            json!({"prompt": "a", "n": 1.5}),
            json!({"prompt": "a", "size": "large"}),
            json!({"prompt": "a", "size": "0x8"}),
            json!({"prompt": "a", "size": "99999999999x8"}),
            json!({"prompt": "a", "quality": "best"}),
            json!({"prompt": "a", "background": "blue"}),
            json!({"prompt": "a", "response_format": "png"}),
            json!({"prompt": "a", "stream": true}),
        ] {
            assert!(read(fields.clone()).is_err(), "{fields}");
        }
    }
}

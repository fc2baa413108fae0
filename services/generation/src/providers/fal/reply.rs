//! What fal answers: where a request stands, what it made, or why it made nothing.

use serde::Deserialize;
use serde_json::Value;

use crate::domain::provider::ErrorClass;
use crate::providers::http::{Answer, by_status};

/// A request that was taken.
#[derive(Deserialize)]
pub struct Taken {
    /// Its id.
    pub request_id: String,
}

/// Where a request stands.
#[derive(Deserialize)]
pub struct Status {
    status: String,
    #[serde(default)]
    metrics: Value,
}

/// How far a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Waits.
    Queued,
    /// Is being done, or is in a state we do not know.
    Running,
    /// Is over, well or not; whether it was ever begun.
    Over {
        /// Some work was measured.
        begun: bool,
    },
}

impl Status {
    /// How far it is. There is no word for failed or cancelled: those are over, too.
    pub fn stage(&self) -> Stage {
        match self.status.as_str() {
            "IN_QUEUE" => Stage::Queued,
            "COMPLETED" => Stage::Over {
                begun: self.metrics["inference_time"].is_number(),
            },
            _ => Stage::Running,
        }
    }
}

/// What a model made; some name one picture, most a list.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Output {
    images: Vec<Picture>,
    image: Option<Picture>,
    has_nsfw_concepts: Vec<bool>,
}

#[derive(Deserialize)]
struct Picture {
    url: String,
}

impl Output {
    /// Where the picture lies.
    pub fn url(&self) -> Option<&str> {
        let first = self.images.first().or(self.image.as_ref());
        first.map(|picture| picture.url.as_str())
    }

    /// Whether the picture was blacked out.
    pub fn is_refused(&self) -> bool {
        self.has_nsfw_concepts.contains(&true)
    }
}

/// Why there is nothing.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Failure {
    detail: Value,
    error_type: Option<String>,
}

impl Failure {
    fn of(answer: &Answer) -> Self {
        answer.json().unwrap_or_default()
    }

    fn says(&self, kind: &str) -> bool {
        let details = self.detail.as_array().map_or(&[][..], Vec::as_slice);
        self.error_type.as_deref() == Some(kind)
            || details.iter().any(|detail| detail["type"] == kind)
    }
}

/// What an order's refusal means.
pub fn refusal(answer: &Answer) -> ErrorClass {
    match Failure::of(answer).says("content_policy_violation") {
        true => ErrorClass::Policy,
        false => by_status(answer.status),
    }
}

/// What an answer that is no result means for the request; `None` when it only says that asking
/// failed. A request that failed answers as its model did, with a `detail`.
pub fn failure(answer: &Answer) -> Option<ErrorClass> {
    let failure = Failure::of(answer);
    if failure.says("content_policy_violation") {
        return Some(ErrorClass::Policy);
    }
    match answer.status.as_u16() {
        _ if failure.detail.is_null() => None,
        400 | 409 | 413 | 422 if failure.says("no_media_generated") => {
            Some(ErrorClass::InvalidOutput)
        }
        400 | 409 | 413 | 422 => Some(ErrorClass::Invalid),
        499..=599 => Some(ErrorClass::InvalidOutput),
        _ => None,
    }
}

//! The port every provider stands behind: what it can do, what it costs, and how it is asked.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use errors::{FieldViolation, Reason};
use serde::{Deserialize, Serialize};
use types::Microusd;

/// A picture as an order has it: what a provider is asked for, whichever provider it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSpec {
    /// What to show; 1 to 10,000 characters.
    pub prompt: String,
    /// What not to show; may be empty.
    pub negative_prompt: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// What makes a picture repeatable; the order's own or one drawn when it was accepted.
    pub seed: u32,
    /// How many input pictures there are.
    pub input_count: usize,
    /// What only some models know.
    pub finish: Finish,
    /// Whether a mask says where the first input picture is to be changed.
    pub has_mask: bool,
}

/// What only some models know of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Finish {
    /// How much work goes into it; as the provider has it when it is not said.
    pub quality: Option<Quality>,
    /// What is behind the subject; as the provider has it when it is not said.
    pub background: Option<Background>,
}

/// How much work goes into a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Little.
    Low,
    /// More.
    Medium,
    /// Most.
    High,
}

impl Quality {
    /// As providers and price lists name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// What is behind the subject of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Background {
    /// Something.
    Opaque,
    /// Nothing.
    Transparent,
}

impl Background {
    /// As providers name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opaque => "opaque",
            Self::Transparent => "transparent",
        }
    }
}

/// What a model knows beyond what all do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extras {
    /// Quality and background.
    pub finish: bool,
    /// Masks.
    pub masks: bool,
}

/// One picture to be made by one model.
#[derive(Debug, Clone)]
pub struct ImageOrder {
    /// Our own mark of this attempt's order, the same whenever it is sent: the task's id.
    pub client_ref: String,
    /// What is asked for.
    pub spec: ImageSpec,
    /// One of [`ImageProvider::models`].
    pub model: String,
    /// The input pictures, whole and checked.
    pub inputs: Vec<InputImage>,
    /// Where the first of them is to be changed.
    pub mask: Option<InputImage>,
}

/// An input picture.
#[derive(Debug, Clone)]
pub struct InputImage {
    /// `image/png`, `image/jpeg` or `image/webp`.
    pub content_type: String,
    /// The encoded picture.
    pub bytes: Bytes,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

/// One model a provider offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// As the provider names it.
    pub name: String,
    /// The highest price of one picture.
    pub price_per_image: Microusd,
    /// The date of the price, `YYYY-MM-DD`.
    pub price_as_of: String,
    /// Whether input pictures are taken.
    pub takes_input_images: bool,
}

/// Whether a model can do an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// It can; `ignored` names the parts of the order it does not know, as JSON names them
    /// (`negativePrompt`, `seed`, `width`).
    Yes {
        /// Parts of the order that have no effect.
        ignored: Vec<String>,
    },
    /// It cannot, and why, with fields as JSON names them (`image.width`).
    No(Vec<FieldViolation>),
}

/// A made picture, as the provider sent it: hostile until it is decoded.
#[derive(Debug, Clone)]
pub struct RawImage {
    /// The encoded picture.
    pub bytes: Bytes,
    /// What it took; where the provider does not say, the price it was accepted at counts.
    pub spent: Spent,
}

/// What a provider says an order took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// In money, when the provider says.
    pub cost: Option<Microusd>,
    /// In tokens, when the provider counts any.
    pub tokens: Option<u64>,
}

impl Spent {
    /// So much money.
    #[must_use]
    pub const fn money(cost: Microusd) -> Self {
        Self {
            cost: Some(cost),
            tokens: None,
        }
    }
}

/// What came of asking.
#[derive(Debug, Clone)]
pub enum Submitted {
    /// The provider answered with the picture.
    Done(RawImage),
    /// The provider took the order; ask [`ImageProvider::poll`] about this job.
    Accepted(Job),
}

/// A provider's own handle on an order it took. Kept before anything else is done.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Job {
    /// The provider's id.
    pub id: String,
    /// Where to ask, when the id does not say: an address, or a path under the provider's own.
    pub poll_url: Option<String>,
    /// What the order costs in millionths of a US dollar, when the provider said.
    pub cost_microusd: Option<i64>,
    /// What one of what the provider counts (seconds, megapixels) cost when it took the order, in
    /// millionths of a US dollar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_microusd: Option<i64>,
}

/// How a job stands.
#[derive(Debug, Clone)]
pub enum Polled {
    /// Not done yet; percent, when the provider says.
    Pending(Option<u8>),
    /// Done.
    Done(RawImage),
}

/// What came of asking to stop a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// It is not over yet: ask again.
    NotYet,
    /// It is over, stopped or done, and took this; where the provider does not say, the price it was
    /// accepted at counts.
    Over(Spent),
}

/// Why a provider did not deliver; the class decides what happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// The request is wrong: never sent again.
    Invalid,
    /// Refused on content policy: never sent again, to nobody.
    Policy,
    /// Too many requests: sent again after the hint.
    RateLimited,
    /// Out of credit, or the key is refused: the provider is left alone for long.
    Account,
    /// Overloaded or failing, and the order was surely not taken: sent again soon.
    Unavailable,
    /// An answer that is no result; the order may have been paid.
    InvalidOutput,
    /// No answer: the order may have been taken and paid. Never sent again blindly.
    Ambiguous,
}

impl ErrorClass {
    /// The reason a generation that ends with this error carries.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::Invalid => Reason::ProviderRejected,
            Self::Policy => Reason::ContentPolicy,
            Self::RateLimited | Self::Unavailable => Reason::ProviderFailed,
            Self::Account => Reason::ProviderAccount,
            Self::InvalidOutput => Reason::ProviderInvalidOutput,
            Self::Ambiguous => Reason::ProviderOutcomeUnknown,
        }
    }
}

/// Why a provider did not deliver.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{class:?}: {message}")]
pub struct ProviderError {
    /// What kind of failure it is.
    pub class: ErrorClass,
    /// A sentence of ours for the person who asked; never the provider's text, never a host.
    pub message: String,
    /// The provider's own words, cut to 500 characters, for the log only.
    pub detail: String,
    /// How long to wait, when the provider says; already capped.
    pub retry_after: Option<Duration>,
    /// What the order took all the same, as far as the provider says.
    pub spent: Spent,
}

/// Stops jobs nobody waits for any more.
#[async_trait]
pub trait Stops: Send + Sync {
    /// Asks to stop a job, and how it ended. May be asked again whatever was answered.
    ///
    /// # Errors
    /// Asking failed, not the job: whether it goes on is not known.
    async fn stop(&self, job: &Job) -> Result<Stopped, ProviderError>;
}

/// Makes pictures.
#[async_trait]
pub trait ImageProvider: Send + Sync + 'static {
    /// The name orders pin and answers show, e.g. `gemini`.
    fn name(&self) -> &str;

    /// What it can run, its own choice first; never empty.
    fn models(&self) -> &[Model];

    /// Whether `model` can do this order.
    fn fit(&self, model: &Model, spec: &ImageSpec) -> Fit;

    /// What `model` knows beyond what [`ImageProvider::fit`] looks at.
    fn extras(&self, _model: &Model) -> Extras {
        Extras::default()
    }

    /// How far the one order is that it works at, in percent; none where it does not tell, or works at many.
    async fn progress(&self) -> Option<u8> {
        None
    }

    /// Whether sending an order twice costs nothing and gives the same picture.
    fn is_repeatable(&self) -> bool {
        false
    }

    /// Whether pictures are drawn by rule, not by a model.
    fn is_procedural(&self) -> bool {
        false
    }

    /// Sends an order. Returns as soon as the provider has taken it, or made the picture.
    async fn submit(&self, order: &ImageOrder) -> Result<Submitted, ProviderError>;

    /// Asks how a job stands. A provider that answers at once never has one.
    ///
    /// # Errors
    /// `Unavailable`, `RateLimited` and `Ambiguous` say that asking failed, not the job: it is
    /// asked again. `Account` says that the key is refused, while the job may well be done. Every
    /// other class ends the job.
    async fn poll(&self, job: &Job) -> Result<Polled, ProviderError>;

    /// What stops its jobs, if anything does.
    fn stops(&self) -> Option<&dyn Stops> {
        None
    }

    /// How long an order may take, from sending to picture.
    fn timeout(&self) -> Duration;
}

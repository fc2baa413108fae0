//! What a generation is: an order, where it stands and what came of it.

use errors::Reason;
use serde::{Deserialize, Serialize};
use types::{FileId, GenerationId, Microusd, SessionId, Timestamp, UserId};

use crate::domain::hold::Quote;
use crate::domain::provider::{Finish, ImageSpec};
use crate::domain::queue::Place;
use crate::domain::route::Itinerary;

/// What is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A picture.
    Image,
}

impl Kind {
    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
        }
    }

    /// Reads what [`Kind::as_str`] wrote.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        (text == "image").then_some(Self::Image)
    }
}

/// Where a generation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Waits for a worker.
    Pending,
    /// A worker has it.
    Processing,
    /// Done.
    Completed,
    /// Given up.
    Failed,
    /// Ended by its owner.
    Cancelled,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Processing,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads what [`Status::as_str`] wrote.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// Whether nothing changes any more.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// A picture as it was ordered, every choice made: what is stored and repeated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRequest {
    /// What to show.
    pub prompt: String,
    /// What not to show; may be empty.
    pub negative_prompt: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// The order's own, or the one drawn for it.
    pub seed: u32,
    /// Pictures to start from.
    pub inputs: Vec<FileId>,
    /// Where the first of them is to be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<FileId>,
    /// What only some models know.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub finish: Finish,
    /// The provider the order insists on.
    pub provider: Option<String>,
    /// The model the order insists on.
    pub model: Option<String>,
}

impl ImageRequest {
    /// Every file it is made from, the mask last.
    pub fn files(&self) -> impl Iterator<Item = FileId> {
        self.inputs.iter().copied().chain(self.mask)
    }

    /// What a provider is asked for.
    #[must_use]
    pub fn spec(&self) -> ImageSpec {
        ImageSpec {
            prompt: self.prompt.clone(),
            negative_prompt: self.negative_prompt.clone(),
            width: self.width,
            height: self.height,
            seed: self.seed,
            input_count: self.inputs.len(),
            finish: self.finish,
            has_mask: self.mask.is_some(),
        }
    }
}

fn is_usual(finish: &Finish) -> bool {
    *finish == Finish::default()
}

/// One file a generation made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Where it is kept.
    pub file: FileId,
    /// Its media type.
    pub content_type: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

/// Why a generation failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What clients switch on.
    pub reason: Reason,
    /// A sentence for the person who asked.
    pub message: String,
}

/// An order and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// Made when the order was accepted.
    pub id: GenerationId,
    /// Whose it is.
    pub owner: UserId,
    /// Where it stands.
    pub status: Status,
    /// What is made.
    pub kind: Kind,
    /// 0 to 100.
    pub progress: u8,
    /// The order.
    pub request: ImageRequest,
    /// The client's own grouping.
    pub session: Option<SessionId>,
    /// Who does or did it.
    pub provider: String,
    /// With which model.
    pub model: String,
    /// How often a provider was asked.
    pub attempts: u32,
    /// What it cost.
    pub cost: Microusd,
    /// What it was accepted at; none for one from before prices were held.
    pub price: Option<Quote>,
    /// The result, once completed.
    pub outputs: Vec<Output>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// Parts of the order the provider does not honour.
    pub ignored: Vec<String>,
    /// How it is routed; none for one from before that was kept.
    pub itinerary: Option<Itinerary>,
    /// Where it waits, when that was asked.
    pub place: Option<Place>,
    /// When it ends unless it has begun.
    pub expires_at: Option<Timestamp>,
    /// Whether its result was made before, for another generation.
    pub is_cached: bool,
    /// Whether it begins in the off-peak window only.
    pub is_off_peak: bool,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
}

/// Which generations of an owner a list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Filter {
    /// Only those in this status.
    pub status: Option<Status>,
    /// Only those of this session.
    pub session: Option<SessionId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_read_back() {
        for status in Status::ALL {
            assert_eq!(Status::read(status.as_str()), Some(status));
        }
        assert_eq!(Status::read("done"), None);
    }
}

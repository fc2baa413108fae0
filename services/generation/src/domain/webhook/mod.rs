//! Webhooks: where a user's events are sent, how one is told, and what becomes of a telling.

pub mod desk;
pub mod error;
pub mod event;
pub mod ports;
pub mod secret;
pub mod verdict;

use types::{GenerationId, Timestamp, UserId};
use uuid::Uuid;

pub use event::EventType;
pub use secret::Seed;

/// How many webhooks a user may have.
pub const MOST: u64 = 10;

/// Where a user's events are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// UUIDv7.
    pub id: Uuid,
    /// Whose it is.
    pub owner: UserId,
    /// Where to, in its one form.
    pub url: String,
    /// Of which events; never empty.
    pub event_types: Vec<EventType>,
    /// Whether events are sent.
    pub is_enabled: bool,
    /// Why not, when that was not its owner.
    pub disabled_reason: Option<String>,
    /// What its secret is made of.
    pub seed: Seed,
    /// What its secret before was made of, and until when that signs too.
    pub previous: Option<(Seed, Timestamp)>,
    /// How many attempts failed in a row.
    pub failures: u32,
    /// Since when.
    pub failing_since: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its owner last changed it.
    pub updated_at: Timestamp,
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// To be sent.
    Pending,
    /// The receiver took it.
    Delivered,
    /// Given up.
    Failed,
}

impl State {
    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// Reads what [`State::as_str`] wrote.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let all = [Self::Pending, Self::Delivered, Self::Failed];
        all.into_iter().find(|one| one.as_str() == text)
    }
}

/// One event for one webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// UUIDv7.
    pub id: Uuid,
    /// To which webhook.
    pub webhook: Uuid,
    /// What the receiver sees, the same in every attempt.
    pub event_id: String,
    /// What happened.
    pub event_type: EventType,
    /// To which generation; none for a test.
    pub task: Option<GenerationId>,
    /// What is sent, the same bytes in every attempt.
    pub body: String,
    /// How it stands.
    pub state: State,
    /// How often it was sent since it was last begun.
    pub tries: u32,
    /// Not before this moment.
    pub due_at: Timestamp,
    /// The receiver's last HTTP status.
    pub last_status: Option<u16>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When the event happened.
    pub created_at: Timestamp,
    /// When it was delivered or given up.
    pub ended_at: Option<Timestamp>,
}

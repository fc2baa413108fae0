//! The steps of a generation's life, as its owner watches them.

use types::Timestamp;

use crate::domain::generation::Status;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// The order was accepted.
    Queued,
    /// A worker took it.
    Started,
    /// The provider was asked, or tells how far it is.
    Generating,
    /// The result is being checked and stored.
    Storing,
    /// A provider failed for now.
    Retrying,
    /// The worker stopped; another will go on.
    Requeued,
    /// Done.
    Completed,
    /// Given up.
    Failed,
    /// Ended by its owner.
    Cancelled,
}

impl EventKind {
    const ALL: [Self; 9] = [
        Self::Queued,
        Self::Started,
        Self::Generating,
        Self::Storing,
        Self::Retrying,
        Self::Requeued,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Started => "started",
            Self::Generating => "generating",
            Self::Storing => "storing",
            Self::Retrying => "retrying",
            Self::Requeued => "requeued",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads what [`EventKind::as_str`] wrote.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// 1 for the first, then without gaps.
    pub sequence: i64,
    /// What happened.
    pub kind: EventKind,
    /// The generation's status after it.
    pub status: Status,
    /// The generation's progress after it, 0 to 100.
    pub progress: u8,
    /// A sentence for people; may be empty.
    pub message: String,
    /// When.
    pub created_at: Timestamp,
}

/// A step that is about to be written; the store gives it its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What happens.
    pub kind: EventKind,
    /// Progress after it; none leaves it as it is.
    pub progress: Option<u8>,
    /// A sentence for people; may be empty.
    pub message: String,
}

impl Step {
    /// A step that needs no words.
    #[must_use]
    pub fn new(kind: EventKind, progress: u8) -> Self {
        Self {
            kind,
            progress: Some(progress),
            message: String::new(),
        }
    }

    /// A step with a sentence, progress unchanged.
    #[must_use]
    pub fn saying(kind: EventKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            progress: None,
            message: message.into(),
        }
    }
}

/// How far a generation's events go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tail {
    /// The number of its last event.
    pub last_sequence: i64,
    /// Whether there will be no further one.
    pub is_final: bool,
}

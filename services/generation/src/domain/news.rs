//! What processes tell each other at once, so that nobody waits for the next look into the database. What
//! is not heard is found there.

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use types::GenerationId;

use crate::domain::error::Error;

// A message has at most 8,000 bytes, and a name 39.
const MOST_CHANGED: usize = 120;
const MOST_CANCELLED: usize = 60;

/// What happened since the last message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct News {
    /// There may be a task to take.
    #[serde(skip_serializing_if = "is_false")]
    pub work: bool,
    /// There may be an event to send to a webhook.
    #[serde(skip_serializing_if = "is_false")]
    pub mail: bool,
    /// These changed.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub changed: BTreeSet<GenerationId>,
    /// These were ended from outside.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub cancelled: BTreeSet<GenerationId>,
}

/// The way to the other processes.
#[async_trait]
pub trait Wire: Send + Sync + 'static {
    /// Tells everybody who listens, this process included.
    async fn tell(&self, text: &str) -> Result<(), Error>;

    /// Begins to listen; none where there are no other processes.
    async fn listen(&self) -> Result<Option<Box<dyn Ear>>, Error>;
}

/// Hears what is told.
#[async_trait]
pub trait Ear: Send {
    /// Waits for what is told next; none when some of it may have been missed.
    async fn next(&mut self) -> Result<Option<String>, Error>;
}

impl News {
    /// What may have happened while nobody listened.
    #[must_use]
    pub fn anything() -> Self {
        Self {
            work: true,
            mail: true,
            ..Self::default()
        }
    }

    /// Whether nothing happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// This one changed; told if there is room for it.
    pub fn changed(&mut self, id: GenerationId) {
        if self.changed.len() < MOST_CHANGED {
            self.changed.insert(id);
        }
    }

    /// This one was ended from outside; told if there is room for it.
    pub fn cancelled(&mut self, id: GenerationId) {
        if self.cancelled.len() < MOST_CANCELLED {
            self.cancelled.insert(id);
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn as_much_as_there_is_room_for_is_told() {
        let mut news = News::anything();
        for _ in 0..1_000 {
            news.changed(GenerationId(Uuid::now_v7()));
            news.cancelled(GenerationId(Uuid::now_v7()));
        }
        let text = serde_json::to_string(&news).unwrap();
        assert!(text.len() < 7_500, "{}", text.len());
        assert_eq!(serde_json::from_str::<News>(&text).unwrap(), news);
        assert_eq!(serde_json::to_string(&News::default()).unwrap(), "{}");
    }
}

//! What a receiver reads: `{type, timestamp, data}`, small, and the same bytes in every attempt.

use serde_json::{Value, json};
use types::{GenerationId, Timestamp};
use uuid::Uuid;

use crate::domain::batch::Ended;
use crate::domain::generation::{Generation, Kind, Output, Status};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventType {
    /// A generation is done.
    Completed,
    /// A generation was given up.
    Failed,
    /// A generation was ended by its owner.
    Cancelled,
    /// The last generation of a batch has ended.
    BatchCompleted,
    /// Another webhook of the same owner was disabled, for it took nothing.
    WebhookDisabled,
    /// Nothing: its owner tries the webhook.
    Test,
}

impl EventType {
    /// Those a webhook can be for.
    pub const ALL: [Self; 5] = [
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::BatchCompleted,
        Self::WebhookDisabled,
    ];

    /// As receivers and rows have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "generation.completed",
            Self::Failed => "generation.failed",
            Self::Cancelled => "generation.cancelled",
            Self::BatchCompleted => "batch.completed",
            Self::WebhookDisabled => "webhook.disabled",
            Self::Test => "webhook.test",
        }
    }

    /// Reads what [`EventType::as_str`] wrote.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let all = Self::ALL.into_iter().chain([Self::Test]);
        all.into_iter().find(|one| one.as_str() == text)
    }

    /// What a generation's status tells; none while it goes on.
    #[must_use]
    pub const fn of(status: Status) -> Option<Self> {
        match status {
            Status::Completed => Some(Self::Completed),
            Status::Failed => Some(Self::Failed),
            Status::Cancelled => Some(Self::Cancelled),
            Status::Pending | Status::Processing => None,
        }
    }
}

/// The id of the event with this number in a generation's life: whoever makes it, it is the same.
#[must_use]
pub fn id_of(task: GenerationId, sequence: i64) -> String {
    format!("evt_{}_{sequence}", task.uuid().simple())
}

/// The id of the one event of a batch.
#[must_use]
pub fn batch_id(batch: Uuid) -> String {
    format!("evt_{}", batch.simple())
}

/// The id of a test.
#[must_use]
pub fn test_id(delivery: Uuid) -> String {
    format!("evt_{}", delivery.simple())
}

/// How a generation ended, as the API shows it; without its order, which may be long and is known to
/// whoever made it.
#[must_use]
pub fn body(kind: EventType, generation: &Generation, sequence: i64) -> String {
    let Kind::Image = generation.kind;
    let ended_at = generation.completed_at.unwrap_or(generation.updated_at);
    let mut data = json!({
        "id": generation.id,
        "sequence": sequence,
        "status": generation.status.as_str().to_uppercase(),
        "kind": "IMAGE",
        "provider": generation.provider,
        "model": generation.model,
        "attempts": generation.attempts,
        "costMicrousd": generation.cost.0,
        "outputs": generation.outputs.iter().map(output).collect::<Vec<_>>(),
        "createdAt": generation.created_at.to_string(),
        "completedAt": ended_at.to_string(),
    });
    if let Some(session) = generation.session {
        data["sessionId"] = json!(session);
    }
    if let Some(failure) = &generation.failure {
        let reason = failure.reason.as_str_name();
        data["error"] = json!({ "reason": reason, "message": failure.message });
    }
    envelope(kind, ended_at, &data)
}

/// How a batch ended; its generations were told of by themselves.
#[must_use]
pub fn batch_body(batch: &Ended) -> String {
    let data = json!({
        "id": batch.id,
        "refused": batch.refused,
        "completed": batch.completed,
        "failed": batch.failed,
        "cancelled": batch.cancelled,
        "costMicrousd": batch.cost.0,
        "createdAt": batch.created_at.to_string(),
        "endedAt": batch.ended_at.to_string(),
    });
    envelope(EventType::BatchCompleted, batch.ended_at, &data)
}

/// The id of a webhook's being disabled at this moment.
#[must_use]
pub fn disabled_id(webhook: Uuid, at: Timestamp) -> String {
    format!("evt_{}_{}", webhook.simple(), at.micros())
}

/// That a webhook is sent nothing any more, and why.
#[must_use]
pub fn disabled_body(webhook: Uuid, url: &str, reason: &str, at: Timestamp) -> String {
    let data = json!({ "webhookId": webhook, "url": url, "reason": reason });
    envelope(EventType::WebhookDisabled, at, &data)
}

/// What a test says.
#[must_use]
pub fn test_body(webhook: Uuid, now: Timestamp) -> String {
    envelope(EventType::Test, now, &json!({ "webhookId": webhook }))
}

fn envelope(kind: EventType, at: Timestamp, data: &Value) -> String {
    json!({ "type": kind.as_str(), "timestamp": at.to_string(), "data": data }).to_string()
}

fn output(output: &Output) -> Value {
    json!({
        "fileId": output.file,
        "contentType": output.content_type,
        "width": output.width,
        "height": output.height,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_read_back() {
        for kind in EventType::ALL {
            assert_eq!(EventType::read(kind.as_str()), Some(kind));
        }
        assert_eq!(EventType::read("webhook.test"), Some(EventType::Test));
        assert_eq!(EventType::read("generation.started"), None);
    }
}

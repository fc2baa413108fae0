//! The record of who changed whose account, kept beside the change itself.

use serde_json::json;
use types::{ApiKeyId, Timestamp, UserId};
use uuid::Uuid;

use super::{ApiKey, PlanName};

/// A change of an account by an operator, or of its API keys by its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// UUIDv7.
    pub id: Uuid,
    /// What was done, e.g. `user.update`.
    pub action: String,
    /// A user's id.
    pub target: String,
    /// What was changed as it was before, as JSON.
    pub before: String,
    /// The same as it is since.
    pub after: String,
    /// Who did it: a user's id.
    pub actor: String,
    /// When.
    pub created_at: Timestamp,
}

impl AuditEvent {
    /// A user was moved from one plan to another.
    #[must_use]
    pub fn of_plan(
        id: Uuid,
        (actor, user): (UserId, UserId),
        (before, after): (&PlanName, &PlanName),
        created_at: Timestamp,
    ) -> Self {
        let state = |plan: &PlanName| json!({"plan": plan.as_str()}).to_string();
        Self {
            id,
            action: "user.update".to_owned(),
            target: user.to_string(),
            before: state(before),
            after: state(after),
            actor: actor.to_string(),
            created_at,
        }
    }

    /// A user made an API key.
    #[must_use]
    pub fn of_new_key(id: Uuid, key: &ApiKey) -> Self {
        Self {
            id,
            action: "api_key.create".to_owned(),
            target: key.owner.to_string(),
            before: json!({}).to_string(),
            after: json!({"apiKeyId": key.id, "scopes": key.scopes}).to_string(),
            actor: key.owner.to_string(),
            created_at: key.created_at,
        }
    }

    /// A user ended an API key.
    #[must_use]
    pub fn of_revoked_key(
        id: Uuid,
        (owner, key): (UserId, ApiKeyId),
        created_at: Timestamp,
    ) -> Self {
        Self {
            id,
            action: "api_key.revoke".to_owned(),
            target: owner.to_string(),
            before: json!({"apiKeyId": key}).to_string(),
            after: json!({}).to_string(),
            actor: owner.to_string(),
            created_at,
        }
    }
}

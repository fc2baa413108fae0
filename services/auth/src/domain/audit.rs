//! The record of who changed whose account, kept beside the change itself.

use serde_json::json;
use types::{Timestamp, UserId};
use uuid::Uuid;

use super::PlanName;

/// A change of an account by an operator.
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
}

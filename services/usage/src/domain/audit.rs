//! Who changed which rule when, and what it was before. The fields of pictures stand in the order of
//! their names, so that the same picture is the same text.

use std::sync::Arc;

use serde_json::{Value, json};
use types::{IdSource, Timestamp};
use uuid::Uuid;

use super::budget::Budget;
use super::plan::Plan;
use super::price::Price;
use super::reservation::{Adjustment, Reservation};

/// Who changes something, and when.
#[derive(Clone)]
pub struct Signature {
    /// A user's id, or the name of a service.
    pub actor: String,
    /// When.
    pub at: Timestamp,
    /// For what comes of the change: alerts, audit rows.
    pub ids: Arc<dyn IdSource>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// UUIDv7.
    pub id: Uuid,
    /// What was done, e.g. `budget.update`.
    pub action: String,
    /// To what: an id or a name.
    pub target: String,
    /// What it was before, as JSON; empty when there was nothing.
    pub before: String,
    /// What it is since, as JSON; empty when it is gone.
    pub after: String,
    /// Who did it.
    pub actor: String,
    /// When.
    pub created_at: Timestamp,
}

impl AuditEvent {
    /// A change of `target` from one picture to another.
    #[must_use]
    pub fn new(
        by: &Signature,
        action: &str,
        target: &impl ToString,
        before: Option<Value>,
        after: Option<Value>,
    ) -> Self {
        let text = |picture: Option<Value>| picture.map(|json| json.to_string());
        Self {
            id: by.ids.next(),
            action: action.to_owned(),
            target: target.to_string(),
            before: text(before).unwrap_or_default(),
            after: text(after).unwrap_or_default(),
            actor: by.actor.clone(),
            created_at: by.at,
        }
    }
}

impl Plan {
    /// As it stands in audit rows.
    #[must_use]
    pub fn picture(&self) -> Value {
        json!({"limits": self.limits_text(), "name": self.name()})
    }
}

impl Budget {
    /// As it stands in audit rows.
    #[must_use]
    pub fn picture(&self) -> Value {
        json!({
            "alertPercents": self.alert_percents,
            "hard": self.is_hard,
            "limit": self.limit,
            "meter": self.meter.as_str(),
            "name": self.name,
            "scope": self.scope.subject().as_str(),
            "window": self.window.as_str(),
        })
    }
}

impl Price {
    /// As it stands in audit rows.
    #[must_use]
    pub fn picture(&self) -> Value {
        json!({
            "asOf": self.as_of,
            "model": self.model,
            "priceMicrousd": self.price.0,
            "provider": self.provider,
            "quality": self.quality,
            "size": self.size,
            "unit": self.unit.as_str(),
            "version": self.version,
        })
    }
}

impl Reservation {
    /// As it stands in audit rows.
    #[must_use]
    pub fn picture(&self) -> Value {
        json!({
            "costMicrousd": self.money().0,
            "ownerId": self.owner.to_string(),
            "state": self.state.as_str(),
        })
    }
}

impl Adjustment {
    /// As it stands in audit rows.
    #[must_use]
    pub fn picture(&self) -> Value {
        json!({
            "amount": self.amount,
            "meter": self.meter.as_str(),
            "note": self.note,
            "ownerId": self.owner.to_string(),
            "tier": self.tier,
        })
    }
}

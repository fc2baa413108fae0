//! Tells alerts to the operator's webhook.

use async_trait::async_trait;
use serde_json::json;
use types::Timestamp;
use webhooks::{Delivery, Event, Sender, wait_before};

use crate::domain::alert::{Alert, AlertKind};
use crate::domain::alerts::{Receiver, Told};

/// The operator's webhook.
#[derive(Debug, Clone)]
pub struct WebhookReceiver(pub Sender);

#[async_trait]
impl Receiver for WebhookReceiver {
    async fn tell(&self, alert: &Alert, attempt: u32, now: Timestamp) -> Told {
        let event = Event {
            id: alert.id.to_string(),
            body: body(alert).into(),
        };
        match self.0.send(&event, now).await {
            Delivery::Taken => Told::Taken,
            Delivery::Failed {
                why, retry_after, ..
            } => Told::Failed {
                why,
                again: wait_before(attempt, retry_after),
            },
        }
    }
}

// Only of what never changes, so that every attempt sends the same bytes.
fn body(alert: &Alert) -> String {
    let kind = match alert.kind {
        AlertKind::BudgetThreshold => "usage.budget_threshold",
        AlertKind::Loss => "usage.loss",
        AlertKind::SpendingPaused => "usage.spending_paused",
        AlertKind::Imbalance => "usage.imbalance",
    };
    let event = json!({
        "type": kind,
        "timestamp": alert.created_at.to_string(),
        "data": {
            "id": alert.id,
            "message": alert.message,
            "budgetId": alert.budget,
            "percent": alert.percent,
            "amount": alert.amount,
            "limit": alert.limit,
            "windowStart": alert.window_start.map(|start| start.to_string()),
        },
    });
    event.to_string()
}

//! Webhooks: wire to domain and back.

use std::time::Duration;

use contracts::generation::v1 as wire;
use contracts::generation::v1::webhook_delivery::State as WireState;
use errors::{Fault, Violations};
use types::{Page, PageRequest};
use uuid::Uuid;

use super::convert::optional;
use crate::domain::webhook::desk::OVERLAP;
use crate::domain::webhook::ports::Change;
use crate::domain::webhook::{Delivery, EventType, State, Webhook};

const LONGEST_OVERLAP: i64 = 7 * 24 * 3_600;

pub(super) fn read_id(field: &str, text: &str) -> Result<Uuid, Fault> {
    let id: Result<types::OperationId, _> = text.parse();
    id.map(types::OperationId::uuid)
        .map_err(|error| Fault::field(field, error.to_string()))
}

pub(super) fn read_types(names: &[String]) -> Result<Vec<EventType>, Fault> {
    let mut violations = Violations::new();
    let mut types = Vec::new();
    for (place, name) in names.iter().enumerate().take(EventType::ALL.len() + 1) {
        let found = EventType::ALL.into_iter().find(|one| one.as_str() == name);
        match found {
            Some(one) if !types.contains(&one) => types.push(one),
            Some(_) => violations.add(format!("eventTypes[{place}]"), "is there twice"),
            None => violations.add(
                format!("eventTypes[{place}]"),
                "must be generation.completed, generation.failed or generation.cancelled",
            ),
        }
    }
    violations.finish()?;
    Ok(types)
}

pub(super) fn read_change(request: &wire::UpdateWebhookRequest) -> Result<Change, Fault> {
    let types = read_types(&request.event_types)?;
    Ok(Change::Settings {
        url: request.url.clone(),
        event_types: (!types.is_empty()).then_some(types),
        is_enabled: request.enabled,
    })
}

pub(super) fn read_overlap(seconds: Option<i64>) -> Result<Duration, Fault> {
    let Some(seconds) = seconds else {
        return Ok(OVERLAP);
    };
    let fine = u64::try_from(seconds).ok();
    match fine.filter(|_| seconds <= LONGEST_OVERLAP) {
        Some(seconds) => Ok(Duration::from_secs(seconds)),
        None => Err(Fault::field("overlapSeconds", "must be 0 to 604800")),
    }
}

pub(super) fn read_log(
    request: &wire::ListWebhookDeliveriesRequest,
) -> Result<(Uuid, PageRequest), Fault> {
    let id = read_id("webhookId", &request.webhook_id)?;
    let page = PageRequest::parse(request.page_size, &request.page_token);
    let page = page.map_err(|error| Fault::field(error.field(), error.to_string()))?;
    Ok((id, page))
}

pub(super) fn webhook(webhook: Webhook) -> wire::Webhook {
    let types = webhook
        .event_types
        .iter()
        .map(|one| one.as_str().to_owned());
    wire::Webhook {
        id: webhook.id.to_string(),
        url: webhook.url,
        event_types: types.collect(),
        enabled: webhook.is_enabled,
        disabled_reason: webhook.disabled_reason.unwrap_or_default(),
        previous_secret_expires_at: webhook.previous.map(|(_, until)| until.into()),
        failing_since: webhook.failing_since.map(Into::into),
        created_at: Some(webhook.created_at.into()),
        updated_at: Some(webhook.updated_at.into()),
    }
}

pub(super) fn delivery(delivery: Delivery) -> wire::WebhookDelivery {
    let is_pending = delivery.state == State::Pending;
    wire::WebhookDelivery {
        id: delivery.id.to_string(),
        webhook_id: delivery.webhook.to_string(),
        event_id: delivery.event_id,
        event_type: delivery.event_type.as_str().to_owned(),
        state: match delivery.state {
            State::Pending => WireState::Pending.into(),
            State::Delivered => WireState::Delivered.into(),
            State::Failed => WireState::Failed.into(),
        },
        attempts: i32::try_from(delivery.tries).unwrap_or(i32::MAX),
        last_status: delivery.last_status.map_or(0, i32::from),
        last_error: delivery.last_error.unwrap_or_default(),
        generation_id: optional(delivery.task),
        created_at: Some(delivery.created_at.into()),
        next_attempt_at: is_pending.then(|| delivery.due_at.into()),
        completed_at: delivery.ended_at.map(Into::into),
    }
}

pub(super) fn log(page: Page<Delivery>) -> wire::ListWebhookDeliveriesResponse {
    wire::ListWebhookDeliveriesResponse {
        deliveries: page.items.into_iter().map(delivery).collect(),
        next_page_token: page.next_token,
    }
}

//! Rows of webhooks to what they mean, and back.

use sea_orm::Set;
use types::{GenerationId, Timestamp, UserId};

use super::super::entity::{deliveries, webhooks};
use super::super::unreadable;
use crate::domain::error::Error;
use crate::domain::webhook::{Delivery, EventType, Seed, State, Webhook};

pub(super) fn webhook(row: webhooks::Model) -> Result<Webhook, Error> {
    let types = row.event_types.split_whitespace().map(EventType::read);
    let types: Option<Vec<EventType>> = types.collect();
    Ok(Webhook {
        id: row.id,
        owner: UserId(row.owner),
        url: row.url,
        event_types: types.ok_or_else(|| unreadable("event type"))?,
        is_enabled: row.enabled,
        disabled_reason: row.disabled_reason,
        seed: Seed(row.seed),
        previous: (row.previous_seed.zip(row.previous_until))
            .map(|(seed, until)| (Seed(seed), Timestamp(until))),
        failures: u32::try_from(row.failures).unwrap_or(u32::MAX),
        failing_since: row.failing_since.map(Timestamp),
        created_at: Timestamp(row.created_at),
        updated_at: Timestamp(row.updated_at),
    })
}

pub(super) fn of_webhook(webhook: &Webhook) -> webhooks::ActiveModel {
    let previous = webhook.previous.clone();
    let (seed, until) = previous
        .map(|(seed, until)| (seed.0, until.micros()))
        .unzip();
    webhooks::ActiveModel {
        id: Set(webhook.id),
        owner: Set(webhook.owner.uuid()),
        url: Set(webhook.url.clone()),
        event_types: Set(words(&webhook.event_types)),
        enabled: Set(webhook.is_enabled),
        disabled_reason: Set(webhook.disabled_reason.clone()),
        seed: Set(webhook.seed.0.clone()),
        previous_seed: Set(seed),
        previous_until: Set(until),
        failures: Set(i64::from(webhook.failures)),
        failing_since: Set(webhook.failing_since.map(Timestamp::micros)),
        free_at: Set(0),
        fence: Set(0),
        created_at: Set(webhook.created_at.micros()),
        updated_at: Set(webhook.updated_at.micros()),
    }
}

pub(super) fn words(types: &[EventType]) -> String {
    let words: Vec<&str> = types.iter().map(|one| one.as_str()).collect();
    words.join(" ")
}

pub(super) fn delivery(row: deliveries::Model) -> Result<Delivery, Error> {
    Ok(Delivery {
        id: row.id,
        webhook: row.webhook_id,
        event_id: row.event_id,
        event_type: EventType::read(&row.event_type).ok_or_else(|| unreadable("event type"))?,
        task: row.task_id.map(GenerationId),
        body: row.body,
        state: State::read(&row.state).ok_or_else(|| unreadable("state"))?,
        tries: u32::try_from(row.tries).unwrap_or(u32::MAX),
        due_at: Timestamp(row.due_at),
        last_status: row
            .last_status
            .and_then(|status| u16::try_from(status).ok()),
        last_error: row.last_error,
        created_at: Timestamp(row.created_at),
        ended_at: row.ended_at.map(Timestamp),
    })
}

pub(super) fn of_delivery(delivery: &Delivery) -> deliveries::ActiveModel {
    deliveries::ActiveModel {
        id: Set(delivery.id),
        webhook_id: Set(delivery.webhook),
        event_id: Set(delivery.event_id.clone()),
        event_type: Set(delivery.event_type.as_str().to_owned()),
        task_id: Set(delivery.task.map(GenerationId::uuid)),
        body: Set(delivery.body.clone()),
        state: Set(delivery.state.as_str().to_owned()),
        tries: Set(i64::from(delivery.tries)),
        due_at: Set(delivery.due_at.micros()),
        last_status: Set(delivery.last_status.map(i64::from)),
        last_error: Set(delivery.last_error.clone()),
        created_at: Set(delivery.created_at.micros()),
        ended_at: Set(delivery.ended_at.map(Timestamp::micros)),
    }
}

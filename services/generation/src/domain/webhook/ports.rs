//! What webhooks need from the rooms around them: rows, and a way out.

use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use types::{Page, PageRequest, Timestamp, UserId};
use uuid::Uuid;

use super::error::Error;
use super::verdict::{Outcome, Standing};
use super::{Delivery, EventType, Seed, Webhook};
use crate::domain::error::Error as Base;

/// What an owner changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Where to, of which events, and whether at all: what is given.
    Settings {
        /// Where to.
        url: Option<String>,
        /// Of which events.
        event_types: Option<Vec<EventType>>,
        /// Whether at all.
        is_enabled: Option<bool>,
    },
    /// Another secret; the one before signs until then, too.
    Secret(Seed, Timestamp),
}

/// Webhooks as their owners ask for them.
#[async_trait]
pub trait Webhooks: Send + Sync + 'static {
    /// Stores a webhook; [`Error::TooMany`] when there are [`super::MOST`].
    async fn create(&self, webhook: &Webhook) -> Result<(), Error>;

    /// One webhook of an owner.
    async fn find(&self, owner: UserId, id: Uuid) -> Result<Webhook, Error>;

    /// An owner's webhooks, oldest first.
    async fn list(&self, owner: UserId) -> Result<Vec<Webhook>, Error>;

    /// Changes a webhook of an owner; answers it as it now stands.
    async fn change(
        &self,
        owner: UserId,
        id: Uuid,
        change: &Change,
        now: Timestamp,
    ) -> Result<Webhook, Error>;

    /// Removes a webhook of an owner with its deliveries.
    async fn delete(&self, owner: UserId, id: Uuid) -> Result<(), Error>;

    /// Stores a delivery that is due at once.
    async fn post(&self, delivery: &Delivery) -> Result<(), Error>;

    /// A webhook's deliveries, newest first.
    async fn log(&self, webhook: Uuid, page: PageRequest) -> Result<Page<Delivery>, Error>;

    /// A delivery of a webhook becomes pending and due at once, as if it had never been sent.
    async fn begin_again(&self, webhook: Uuid, id: Uuid) -> Result<Delivery, Error>;
}

/// Which webhooks a lane of the postman is for; failing ones must not hold up the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Those whose last attempt was taken.
    Sound,
    /// Those whose last attempt failed.
    Failing,
}

/// A postman's hold on a webhook; nobody else sends to it meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// To which webhook.
    pub webhook: Uuid,
    /// The number of this hold.
    pub fence: i64,
}

/// Deliveries as the postman asks for them.
#[async_trait]
pub trait Mail: Send + Sync + 'static {
    /// Takes up to `limit` webhooks of a lane that something is due for, for `lease`.
    async fn take(&self, lane: Lane, limit: u64, lease: Duration) -> Result<Vec<Round>, Base>;

    /// The oldest delivery that is due, with its webhook as it now stands; none when there is none, or
    /// nothing may be sent any more: disabled, deleted, held by somebody else.
    async fn next(&self, round: &Round) -> Result<Option<(Webhook, Delivery)>, Base>;

    /// Writes down what an attempt came to, for the delivery and for its webhook.
    async fn record(
        &self,
        delivery: &Delivery,
        outcome: &Outcome,
        standing: &Standing,
        now: Timestamp,
    ) -> Result<(), Base>;

    /// Gives a webhook back; nothing is sent to it for `rest`.
    async fn leave(&self, round: &Round, rest: Duration) -> Result<(), Base>;

    /// Gives up what is pending for longer than `stale`, and forgets what ended longer than `kept` ago.
    async fn tidy(&self, now: Timestamp, stale: Duration, kept: Duration) -> Result<(), Base>;
}

/// The way out.
#[async_trait]
pub trait Courier: Send + Sync + 'static {
    /// Whether events may be sent to a URL: its one form, or what it must be.
    async fn look(&self, url: &str) -> Result<String, String>;

    /// Sends an event once; `tries` counts this attempt.
    async fn send(&self, letter: &Letter<'_>) -> Outcome;
}

/// What is sent.
pub struct Letter<'a> {
    /// Where to.
    pub url: &'a str,
    /// Signed with these.
    pub secrets: &'a SecretString,
    /// What.
    pub delivery: &'a Delivery,
    /// Now.
    pub now: Timestamp,
}

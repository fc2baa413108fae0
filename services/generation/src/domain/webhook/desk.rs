//! The desk for webhooks: makes, shows and changes them for their owners.

use std::sync::Arc;
use std::time::Duration;

use types::{Clock, IdSource, Page, PageRequest, UserId};
use uuid::Uuid;

use super::error::Error;
use super::event::{test_body, test_id};
use super::ports::{Change, Courier, Webhooks};
use super::secret::Locksmith;
use super::{Delivery, EventType, Seed, State, Webhook};

/// How long the old secret signs too, unless its owner says otherwise.
pub const OVERLAP: Duration = Duration::from_hours(24);

/// Makes, shows and changes webhooks.
pub struct WebhookDesk {
    /// Where they are kept.
    pub webhooks: Arc<dyn Webhooks>,
    /// Who knows where events may be sent.
    pub courier: Arc<dyn Courier>,
    /// Who makes secrets.
    pub locksmith: Locksmith,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn IdSource>,
}

impl WebhookDesk {
    /// A new webhook and its secret; of all events when none are named.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::TooMany`].
    pub async fn create(
        &self,
        owner: UserId,
        url: &str,
        mut event_types: Vec<EventType>,
    ) -> Result<(Webhook, String), Error> {
        if event_types.is_empty() {
            event_types = EventType::ALL.to_vec();
        }
        let now = self.clock.now();
        let webhook = Webhook {
            id: self.ids.next(),
            owner,
            url: self.look(url).await?,
            event_types,
            is_enabled: true,
            disabled_reason: None,
            seed: Seed::draw()?,
            previous: None,
            failures: 0,
            failing_since: None,
            created_at: now,
            updated_at: now,
        };
        self.webhooks.create(&webhook).await?;
        let secret = self.locksmith.secret(&webhook.seed);
        Ok((webhook, secret))
    }

    /// An owner's webhook.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn find(&self, owner: UserId, id: Uuid) -> Result<Webhook, Error> {
        self.webhooks.find(owner, id).await
    }

    /// An owner's webhooks.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn list(&self, owner: UserId) -> Result<Vec<Webhook>, Error> {
        self.webhooks.list(owner).await
    }

    /// Changes what is given.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`].
    pub async fn update(
        &self,
        owner: UserId,
        id: Uuid,
        mut change: Change,
    ) -> Result<Webhook, Error> {
        self.webhooks.find(owner, id).await?;
        if let Change::Settings { url: Some(url), .. } = &mut change {
            *url = self.look(url).await?;
        }
        let now = self.clock.now();
        self.webhooks.change(owner, id, &change, now).await
    }

    /// A new secret; the old one signs for `overlap` more.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn rotate(
        &self,
        owner: UserId,
        id: Uuid,
        overlap: Duration,
    ) -> Result<(Webhook, String), Error> {
        let now = self.clock.now();
        let seed = Seed::draw()?;
        let secret = self.locksmith.secret(&seed);
        let change = Change::Secret(seed, now.plus(overlap));
        let webhook = self.webhooks.change(owner, id, &change, now).await?;
        Ok((webhook, secret))
    }

    /// Removes a webhook.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete(&self, owner: UserId, id: Uuid) -> Result<(), Error> {
        self.webhooks.delete(owner, id).await
    }

    /// Posts an event that says nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Disabled`].
    pub async fn test(&self, owner: UserId, id: Uuid) -> Result<Delivery, Error> {
        self.find_enabled(owner, id).await?;
        let (now, own) = (self.clock.now(), self.ids.next());
        let delivery = Delivery {
            id: own,
            webhook: id,
            event_id: test_id(own),
            event_type: EventType::Test,
            task: None,
            body: test_body(id, now),
            state: State::Pending,
            tries: 0,
            due_at: now,
            last_status: None,
            last_error: None,
            created_at: now,
            ended_at: None,
        };
        self.webhooks.post(&delivery).await?;
        Ok(delivery)
    }

    /// A page of the log.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn log(
        &self,
        owner: UserId,
        id: Uuid,
        page: PageRequest,
    ) -> Result<Page<Delivery>, Error> {
        self.webhooks.find(owner, id).await?;
        self.webhooks.log(id, page).await
    }

    /// Sends an event once more.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Disabled`].
    pub async fn redeliver(
        &self,
        owner: UserId,
        id: Uuid,
        delivery: Uuid,
    ) -> Result<Delivery, Error> {
        self.find_enabled(owner, id).await?;
        self.webhooks.begin_again(id, delivery).await
    }

    async fn find_enabled(&self, owner: UserId, id: Uuid) -> Result<Webhook, Error> {
        let webhook = self.webhooks.find(owner, id).await?;
        match webhook.is_enabled {
            true => Ok(webhook),
            false => Err(Error::Disabled),
        }
    }

    async fn look(&self, url: &str) -> Result<String, Error> {
        let form = self.courier.look(url).await;
        form.map_err(|problem| Error::Invalid("url", problem))
    }
}

//! Making, listing and ending API keys, and what stands for one inside the suite.

use std::sync::Arc;
use std::time::Duration;

use identity::{Caller, Grant};
use types::{ApiKeyId, Clock, IdSource, Page, PageRequest, Timestamp, UserId};

use super::{
    ApiKey, ApiKeyStore, AuditEvent, Digest, DisplayName, Error, Keyring, Result, Scopes, events,
};

/// What its owner says of a key to be made.
#[derive(Debug)]
pub struct NewApiKey {
    /// What it is called.
    pub display_name: DisplayName,
    /// What it may do.
    pub scopes: Scopes,
    /// From when on it is not good any more.
    pub expires_at: Option<Timestamp>,
}

/// A token that stands for a key.
#[derive(Debug)]
pub struct Exchanged {
    /// A signed JWT.
    pub access: String,
    /// How long it is good.
    pub expires_in: Duration,
}

/// The API keys of all users.
pub struct ApiKeys {
    store: Arc<dyn ApiKeyStore>,
    keyring: Arc<Keyring>,
    access_ttl: Duration,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

impl ApiKeys {
    /// How many good keys a user may have.
    pub const MOST: u64 = 50;
    /// How many of those that are not good any more are kept to look at.
    pub const KEPT: u64 = 100;
    /// A token stands for a key no longer than this. Whoever cannot ask whether the key was revoked may
    /// go on with the token for as long.
    const LONGEST: Duration = Duration::from_secs(5 * 60);
    /// How exactly the last use is known.
    const SEEN_EVERY: Duration = Duration::from_secs(60);

    /// Over this store; tokens live for `access_ttl` at most.
    #[must_use]
    pub fn new(
        store: Arc<dyn ApiKeyStore>,
        keyring: Arc<Keyring>,
        access_ttl: Duration,
        (clock, ids): (Arc<dyn Clock>, Arc<dyn IdSource>),
    ) -> Self {
        Self {
            store,
            keyring,
            access_ttl,
            clock,
            ids,
        }
    }

    /// Makes a key. What is given with it is the key itself, which is kept nowhere.
    ///
    /// # Errors
    /// `ExpiresTooSoon`, `TooManyKeys`, `AccountGone`.
    pub async fn create(
        &self,
        owner: UserId,
        new: NewApiKey,
    ) -> Result<(ApiKey, identity::ApiKey)> {
        let now = self.clock.now();
        if new.expires_at.is_some_and(|end| end <= now) {
            return Err(Error::ExpiresTooSoon);
        }
        let secret = identity::ApiKey::draw().ok_or_else(|| Error::internal("no random bytes"))?;
        let key = ApiKey {
            id: ApiKeyId(self.ids.next()),
            owner,
            display_name: new.display_name,
            prefix: secret.prefix().to_owned(),
            scopes: new.scopes.into_inner(),
            created_at: now,
            last_used_at: None,
            expires_at: new.expires_at,
            revoked_at: None,
        };
        let event = AuditEvent::of_new_key(self.ids.next(), &key);
        let digest = Digest(secret.digest());
        self.store.create(&key, digest, event).await?;
        events::key_made(owner, key.id);
        Ok((key, secret))
    }

    /// A page of a user's keys, newest first.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn list(&self, owner: UserId, request: PageRequest) -> Result<Page<ApiKey>> {
        let rows = self.store.list(owner, request).await?;
        Ok(Page::from_rows(rows, request, |key| key.id.uuid()))
    }

    /// Ends a key for good. One that was revoked before stays as it is.
    ///
    /// # Errors
    /// `NoSuchKey`.
    pub async fn revoke(&self, owner: UserId, id: ApiKeyId) -> Result<ApiKey> {
        let now = self.clock.now();
        let event = AuditEvent::of_revoked_key(self.ids.next(), (owner, id), now);
        let done = self.store.revoke(owner, id, event).await?;
        let (key, changed) = done.ok_or(Error::NoSuchKey)?;
        if changed {
            events::key_revoked(owner, id);
        }
        Ok(key)
    }

    /// A token that says whose key this is and what it may do. It is a user's, whatever else its owner
    /// may do: keys do not run the suite.
    ///
    /// # Errors
    /// `NoSuchKey`, the same for a key that is unknown, expired or revoked.
    pub async fn exchange(&self, presented: &identity::ApiKey) -> Result<Exchanged> {
        let now = self.clock.now();
        let found = self.store.find(Digest(presented.digest())).await?;
        let Some((key, plan)) = found.filter(|(key, _)| key.is_good(now)) else {
            events::exchanged("refused");
            return Err(Error::NoSuchKey);
        };
        let end = now.plus(self.access_ttl.min(Self::LONGEST));
        let end = key.expires_at.map_or(end, |expiry| expiry.min(end));
        let caller = Caller {
            role: identity::Role::User,
            subject: key.owner.to_string(),
            owner: Some(key.owner),
            tier: plan.as_str().to_owned(),
            session: None,
            grant: Some(Arc::new(Grant {
                key: key.id,
                scopes: key.scopes.clone(),
            })),
            expires_at: end,
        };
        let access = self.keyring.sign(&caller, now).await?;
        self.note_use(&key, now).await;
        events::exchanged("exchanged");
        Ok(Exchanged {
            access,
            expires_in: end.since(now),
        })
    }

    // Good to know, but no reason to refuse a key.
    async fn note_use(&self, key: &ApiKey, now: Timestamp) {
        let seen = key.last_used_at;
        if seen.is_some_and(|seen| now.since(seen) < Self::SEEN_EVERY) {
            return;
        }
        if let Err(error) = self.store.note_use(key.id, now).await {
            tracing::warn!(api_key.id = %key.id, error = %error, "use of an API key not noted");
        }
    }
}

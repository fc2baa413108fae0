//! Calls that carry a key: of all calls of an owner with one key, one is done, and the others are
//! answered what came of it.
//!
//! The key is a row that is written in the transaction that stores what the call made, so there is never one
//! without the other. Within this process a second call is told to wait while the first is under way; in
//! another process it is done as far as that transaction, which is where it finds that it came second.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use types::{IdempotencyKey, Timestamp, UserId};
use uuid::Uuid;

use crate::domain::error::{Error, KeyRefusal};
use crate::domain::ports::Keys;

/// A key as it came with a call.
#[derive(Debug, Clone)]
pub struct Keyed {
    /// What the client named the call.
    pub key: IdempotencyKey,
    /// The SHA-256 of what was asked.
    pub request: [u8; 32],
    /// Nothing may be done any more, but an answer that was given may be given again.
    pub replay_only: bool,
}

/// A key about to be written down.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What the client named the call.
    pub key: IdempotencyKey,
    /// The SHA-256 of what was asked.
    pub request: [u8; 32],
    /// What it made.
    pub subject: Uuid,
    /// Until when it names that, and longer while that is under way.
    pub expires_at: Timestamp,
}

/// A key that names something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptKey {
    /// The SHA-256 of what was asked.
    pub request: Vec<u8>,
    /// What it made.
    pub subject: Uuid,
}

/// What a call that may be a repeated one came to.
#[derive(Debug)]
pub enum Placed<T> {
    /// It was done.
    New(T),
    /// It had been done before: as it stands now.
    Again(T),
}

/// Knows which calls were made before, and which are being made.
pub struct Repeats {
    /// Where keys are kept.
    pub keys: Arc<dyn Keys>,
    kept_for: Duration,
    under_way: Mutex<HashSet<(UserId, IdempotencyKey)>>,
}

/// The one call with its key that is under way in this process.
struct Turn<'a> {
    repeats: &'a Repeats,
    name: (UserId, IdempotencyKey),
}

impl Repeats {
    /// Keys are kept there, for so long.
    pub fn new(keys: Arc<dyn Keys>, kept_for: Duration) -> Self {
        Self {
            keys,
            kept_for,
            under_way: Mutex::default(),
        }
    }

    /// A key for what is made now.
    pub fn name(&self, keyed: &Keyed, subject: Uuid, now: Timestamp) -> NewKey {
        NewKey {
            key: keyed.key.clone(),
            request: keyed.request,
            subject,
            expires_at: now.plus(self.kept_for),
        }
    }

    /// Does the call, unless it was done before: then finds what it made.
    ///
    /// # Errors
    /// [`KeyRefusal`]; [`Error::NotFound`] when it was not done and may not be; what doing or finding
    /// comes to.
    pub async fn once<T, F: Future<Output = Result<T, Error>>>(
        &self,
        owner: UserId,
        keyed: &Keyed,
        make: impl Future<Output = Result<T, Error>>,
        find: impl Fn(Uuid) -> F,
    ) -> Result<Placed<T>, Error> {
        // Whoever only looks takes no turn: it would be missing to those who may do the call.
        let _turn = match keyed.replay_only {
            true => None,
            false => Some(self.take_turn(owner, keyed)?),
        };
        if let Some(subject) = self.subject(owner, keyed).await? {
            return find(subject).await.map(Placed::Again);
        }
        if keyed.replay_only {
            return Err(match self.is_under_way(owner, keyed) {
                true => Error::Key(KeyRefusal::UnderWay),
                false => Error::NotFound,
            });
        }
        match make.await {
            // Another process came first. It has committed, or nothing would have been in the way.
            Err(Error::Key(KeyRefusal::UnderWay)) => match self.subject(owner, keyed).await? {
                Some(subject) => find(subject).await.map(Placed::Again),
                None => Err(Error::Key(KeyRefusal::UnderWay)),
            },
            made => made.map(Placed::New),
        }
    }

    async fn subject(&self, owner: UserId, keyed: &Keyed) -> Result<Option<Uuid>, Error> {
        match self.keys.find_key(owner, &keyed.key).await? {
            Some(kept) if kept.request != keyed.request => Err(Error::Key(KeyRefusal::Mismatch)),
            kept => Ok(kept.map(|kept| kept.subject)),
        }
    }

    fn is_under_way(&self, owner: UserId, keyed: &Keyed) -> bool {
        let under_way = self.under_way.lock();
        let under_way = under_way.unwrap_or_else(PoisonError::into_inner);
        under_way.contains(&(owner, keyed.key.clone()))
    }

    fn take_turn(&self, owner: UserId, keyed: &Keyed) -> Result<Turn<'_>, Error> {
        let name = (owner, keyed.key.clone());
        let mut under_way = self
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match under_way.insert(name.clone()) {
            true => Ok(Turn {
                repeats: self,
                name,
            }),
            false => Err(Error::Key(KeyRefusal::UnderWay)),
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let under_way = self.repeats.under_way.lock();
        under_way
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.name);
    }
}

//! The public keys tokens are verified with: fetched, kept, and kept on when their source is away.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use errors::Fault;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// A public Ed25519 key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// The name a token's header calls it by.
    pub kid: String,
    /// The key itself (RFC 8032).
    pub x: [u8; 32],
}

/// Where public keys come from.
#[async_trait]
pub trait KeySource: Send + Sync + 'static {
    /// Every key a token may be signed with now.
    ///
    /// # Errors
    /// `UNAVAILABLE` when they cannot be had now.
    async fn keys(&self) -> Result<Vec<PublicKey>, Fault>;
}

/// Keys that never change.
#[derive(Debug, Clone, Default)]
pub struct FixedKeys(pub Vec<PublicKey>);

#[async_trait]
impl KeySource for FixedKeys {
    async fn keys(&self) -> Result<Vec<PublicKey>, Fault> {
        Ok(self.0.clone())
    }
}

// A token with an unknown key makes us ask again, but no stream of such tokens more often.
const ASK_AGAIN: Duration = Duration::from_secs(10);
// Until there are keys at all: auth may be starting beside us.
const ASK_AGAIN_EMPTY: Duration = Duration::from_millis(500);
// How long a withdrawn key may still be believed in.
const REFRESH: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(3);

/// The keys at hand.
pub(crate) struct KeyRing {
    source: Arc<dyn KeySource>,
    held: RwLock<Held>,
    // When the source was last asked; its lock makes one question of many.
    asked: Mutex<Option<Instant>>,
}

#[derive(Default)]
struct Held {
    keys: HashMap<String, PublicKey>,
    fetched: Option<Instant>,
}

impl KeyRing {
    pub(crate) fn new(source: Arc<dyn KeySource>) -> Self {
        Self {
            source,
            held: RwLock::default(),
            asked: Mutex::default(),
        }
    }

    /// The key of this name; `None` when there is none.
    ///
    /// # Errors
    /// `UNAVAILABLE` when no key was ever fetched: then nothing can be said about a token.
    pub(crate) async fn find(self: &Arc<Self>, kid: &str) -> Result<Option<PublicKey>, Fault> {
        let (key, fetched) = self.look(kid);
        if key.is_none() {
            // In a task of its own: a client that hangs up would cut the question short, and the
            // next ones would be told that it was asked a moment ago.
            let (ring, name) = (Arc::clone(self), kid.to_owned());
            let refreshed = tokio::spawn(async move { ring.refresh(&name).await });
            refreshed.await.map_err(Fault::internal)??;
            return Ok(self.look(kid).0);
        }
        if fetched.is_none_or(|at| at.elapsed() > REFRESH) {
            // Known keys work on while the next set is fetched beside the call, or cannot be.
            let ring = Arc::clone(self);
            tokio::spawn(async move { ring.renew().await });
        }
        Ok(key)
    }

    fn look(&self, kid: &str) -> (Option<PublicKey>, Option<Instant>) {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        (held.keys.get(kid).cloned(), held.fetched)
    }

    async fn refresh(&self, kid: &str) -> Result<(), Fault> {
        let mut asked = self.asked.lock().await;
        let (key, fetched) = self.look(kid);
        if key.is_some() {
            return Ok(());
        }
        let pause = if fetched.is_some() {
            ASK_AGAIN
        } else {
            ASK_AGAIN_EMPTY
        };
        let result = if asked.is_some_and(|at| at.elapsed() < pause) {
            Err(Fault::unavailable("the auth service", "asked a moment ago"))
        } else {
            *asked = Some(Instant::now());
            let fetched_now = self.fetch().await;
            // Those who waited for this answer take it, and do not each wait for one of their own.
            *asked = Some(Instant::now());
            fetched_now
        };
        match result {
            Err(fault) if fetched.is_none() => Err(fault),
            // With keys at hand an unknown name is simply unknown.
            _ => Ok(()),
        }
    }

    async fn renew(&self) {
        let Ok(mut asked) = self.asked.try_lock() else {
            return;
        };
        if asked.is_some_and(|at| at.elapsed() < ASK_AGAIN) {
            return;
        }
        *asked = Some(Instant::now());
        if let Err(fault) = self.fetch().await {
            tracing::warn!(error = %fault, "cannot renew the token keys, going on with those at hand");
        }
    }

    async fn fetch(&self) -> Result<(), Fault> {
        let keys = match timeout(PATIENCE, self.source.keys()).await {
            Ok(keys) => keys?,
            Err(late) => return Err(Fault::unavailable("the auth service", late)),
        };
        if keys.is_empty() {
            return Err(Fault::unavailable("the auth service", "it has no keys yet"));
        }
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.keys = keys.into_iter().map(|key| (key.kid.clone(), key)).collect();
        held.fetched = Some(Instant::now());
        Ok(())
    }
}

//! The signing keys: one signs, retired ones stay published while tokens of theirs may be met.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use identity::{PublicKey, SigningKey};
use tokio::sync::Mutex;
use types::{Clock, Timestamp};

use super::{Error, KeyState, KeyStore, Result, Sealer, StoredKey};

/// How soon a rotation made by another process is followed.
const FRESH_FOR: Duration = Duration::from_secs(30);

/// The signing keys.
pub struct Keyring {
    store: Arc<dyn KeyStore>,
    sealer: Arc<Sealer>,
    clock: Arc<dyn Clock>,
    overlap: Duration,
    loaded: RwLock<Arc<Loaded>>,
    // Held by the one caller that reads the keys again; the others go on with what is known.
    reading: Mutex<()>,
}

/// The keys as they were read.
struct Loaded {
    signing: Arc<SigningKey>,
    published: Vec<(PublicKey, KeyState)>,
    read_at: Timestamp,
}

impl Keyring {
    /// Reads the keys; makes the first one when there is none. However many processes start
    /// together, they end with the same one. Retired keys stay published for `overlap`, the
    /// longest a token can live.
    ///
    /// # Errors
    /// The database does not answer, or the key was sealed under another secret.
    pub async fn open(
        store: Arc<dyn KeyStore>,
        sealer: Arc<Sealer>,
        clock: Arc<dyn Clock>,
        overlap: Duration,
    ) -> Result<Self> {
        let mut stored = store.list().await?;
        if signing_of(&stored).is_none() {
            store.add_first(new_key(&sealer, clock.now())?).await?;
            stored = store.list().await?;
        }
        let loaded = Loaded::read(&stored, &sealer, clock.now())?;
        Ok(Self {
            store,
            sealer,
            clock,
            overlap,
            loaded: RwLock::new(Arc::new(loaded)),
            reading: Mutex::new(()),
        })
    }

    /// Signs a token for this caller.
    ///
    /// # Errors
    /// Never in practice: the claims always encode.
    pub async fn sign(&self, caller: &identity::Caller, now: Timestamp) -> Result<String> {
        let loaded = self.loaded().await;
        loaded.signing.sign(caller, now).map_err(Error::internal)
    }

    /// The keys to verify with: the one that signs first, then those that may still be met.
    pub async fn published(&self) -> Vec<PublicKey> {
        let loaded = self.loaded().await;
        let now = self.clock.now();
        let is_met = |state: KeyState| match state {
            KeyState::Signing | KeyState::Next => true,
            KeyState::Retired(since) => since.plus(self.overlap) > now,
        };
        let met = loaded.published.iter().filter(|(_, state)| is_met(*state));
        met.map(|(key, _)| key.clone()).collect()
    }

    async fn loaded(&self) -> Arc<Loaded> {
        let known = Arc::clone(&self.loaded.read().unwrap_or_else(PoisonError::into_inner));
        let now = self.clock.now();
        if now.since(known.read_at) < FRESH_FOR {
            return known;
        }
        let Ok(_reading) = self.reading.try_lock() else {
            return known;
        };
        let again = match self.store.list().await {
            Ok(stored) => Loaded::read(&stored, &self.sealer, now),
            Err(error) => Err(error),
        };
        // While the database is away, the keys read last go on signing and verifying.
        let next = again.map_or_else(|error| known.kept(&error, now), Arc::new);
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&next);
        next
    }
}

impl Loaded {
    fn read(stored: &[StoredKey], sealer: &Sealer, now: Timestamp) -> Result<Self> {
        let key = signing_of(stored).ok_or_else(|| Error::internal("no signing key"))?;
        let private = sealer.open(&key.kid, &key.sealed).ok_or_else(|| {
            Error::internal(
                "the signing key was sealed under another BOTTEGA_SERVICE_SECRET: start with the \
                 secret it was made with, or retire it as services/auth/README.md says",
            )
        })?;
        let signing =
            SigningKey::from_pkcs8(key.kid.as_str(), &private).map_err(Error::internal)?;
        let public = |key: &StoredKey| PublicKey {
            kid: key.kid.clone(),
            x: key.public,
        };
        let mut published: Vec<_> = stored.iter().map(|key| (public(key), key.state)).collect();
        published.sort_by_key(|(_, state)| *state != KeyState::Signing);
        Ok(Self {
            signing: Arc::new(signing),
            published,
            read_at: now,
        })
    }

    fn kept(&self, error: &Error, now: Timestamp) -> Arc<Self> {
        let cause: &dyn std::error::Error = error;
        tracing::warn!(
            error = cause,
            "signing keys not read again; the known ones stay"
        );
        Arc::new(Self {
            signing: Arc::clone(&self.signing),
            published: self.published.clone(),
            read_at: now,
        })
    }
}

fn signing_of(stored: &[StoredKey]) -> Option<&StoredKey> {
    stored.iter().find(|key| key.state == KeyState::Signing)
}

fn new_key(sealer: &Sealer, now: Timestamp) -> Result<StoredKey> {
    let (key, private) = SigningKey::generate();
    let PublicKey { kid, x } = key.public();
    Ok(StoredKey {
        sealed: sealer.seal(&kid, &private)?,
        kid,
        public: x,
        created_at: now,
        state: KeyState::Signing,
    })
}

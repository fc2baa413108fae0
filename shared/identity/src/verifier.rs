//! Turns a token into a caller, or into one constant refusal.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use errors::{Fault, Reason};
use moka::sync::Cache;
use ring::digest::{SHA256, digest};
use types::{Clock, SystemClock};

use crate::jws::{MAX_LENGTH, Unverified};
use crate::keys::KeyRing;
use crate::{Caller, KeySource};

// Verified tokens at hand. Each stays at most a minute, which bounds how long a withdrawn key works.
const CACHED: u64 = 10_000;
const CACHED_FOR: Duration = Duration::from_secs(60);

/// Verifies access tokens. Cheap to clone; all clones share their caches.
#[derive(Clone)]
pub struct Verifier {
    keys: Arc<KeyRing>,
    verified: Cache<[u8; 32], Caller>,
    clock: Arc<dyn Clock>,
}

impl Verifier {
    /// Verifies with keys from this source.
    #[must_use]
    pub fn new(source: impl KeySource) -> Self {
        Self::with_clock(source, Arc::new(SystemClock))
    }

    /// Verifies with a clock of the test's own.
    #[must_use]
    pub fn with_clock(source: impl KeySource, clock: Arc<dyn Clock>) -> Self {
        Self {
            keys: Arc::new(KeyRing::new(Arc::new(source))),
            verified: Cache::builder()
                .max_capacity(CACHED)
                .time_to_live(CACHED_FOR)
                .build(),
            clock,
        }
    }

    /// The caller a token speaks of.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` with one constant sentence whatever is wrong with the token;
    /// `UNAVAILABLE` when no key could be fetched since the start.
    pub async fn verify(&self, token: &str) -> Result<Caller, Fault> {
        if token.len() > MAX_LENGTH {
            return Err(refuse("length"));
        }
        let hash = hash(token);
        if let Some(caller) = self.verified.get(&hash) {
            if caller.expires_at > self.clock.now() {
                return Ok(caller);
            }
            self.verified.invalidate(&hash);
            return Err(refuse("expired"));
        }
        let caller = self.verify_anew(token).await?;
        self.verified.insert(hash, caller.clone());
        Ok(caller)
    }

    async fn verify_anew(&self, token: &str) -> Result<Caller, Fault> {
        let unverified = Unverified::parse(token).map_err(refuse)?;
        let key = self.keys.find(unverified.kid()).await?;
        let claims = match key {
            Some(key) => unverified.verify(&key).map_err(refuse)?,
            None => return Err(refuse("kid")),
        };
        claims.caller(self.clock.now()).map_err(refuse)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").finish_non_exhaustive()
    }
}

fn hash(token: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    hash
}

// What exactly was wrong helps only who tries to forge; it goes to the debug log.
fn refuse(wrong: &'static str) -> Fault {
    tracing::debug!(token.wrong = wrong, "refused an access token");
    Fault::new(
        Reason::Unauthenticated,
        "the access token is malformed, expired or not ours",
    )
}

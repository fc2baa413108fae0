//! Hashes and checks passwords: argon2id, away from the async threads, a few at a time.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Error, Password, PasswordHash, Result};

/// OWASP's minimum for argon2id: 19 MiB, two passes, one lane. Each hash holds that memory while
/// it runs, so the number of places bounds it.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes passwords; bounded in how many at once and in how long anyone waits for a place.
#[derive(Clone)]
pub struct Hasher {
    places: Arc<Semaphore>,
    wait: Duration,
    // Checked in place of the hash of an account that does not exist, so that both take as long.
    decoy: Arc<PasswordHash>,
}

/// A place at the hasher, until dropped.
pub struct Place {
    permit: Arc<OwnedSemaphorePermit>,
    decoy: Arc<PasswordHash>,
}

/// What a check comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The password is the account's.
    pub matches: bool,
    /// The stored hash was made with weaker parameters than new ones are.
    pub outdated: bool,
}

impl Hasher {
    /// A hasher with so many places, for each of which a caller waits at most so long.
    ///
    /// # Errors
    /// The machine gives no memory or no random bytes.
    pub async fn new(places: usize, wait: Duration) -> Result<Self> {
        let decoy = blocking(|| hash_now(b"the password of no account")).await??;
        Ok(Self {
            places: Arc::new(Semaphore::new(places.max(1))),
            wait,
            decoy: Arc::new(decoy),
        })
    }

    /// Waits for a place.
    ///
    /// # Errors
    /// `Overloaded` when none is free in time.
    pub async fn place(&self) -> Result<Place> {
        let waiting = Arc::clone(&self.places).acquire_owned();
        match tokio::time::timeout(self.wait, waiting).await {
            Ok(Ok(permit)) => Ok(Place {
                permit: Arc::new(permit),
                decoy: Arc::clone(&self.decoy),
            }),
            Ok(Err(closed)) => Err(Error::internal(closed)),
            Err(_) => Err(Error::Overloaded),
        }
    }
}

impl Place {
    /// Hashes a new password.
    ///
    /// # Errors
    /// The machine gives no memory or no random bytes.
    pub async fn hash(&self, password: &Password) -> Result<PasswordHash> {
        let password = password.clone();
        let permit = Arc::clone(&self.permit);
        blocking(move || {
            // Work outlives a caller who leaves; its place must stay taken as long.
            let _permit = permit;
            hash_now(password.expose_bytes())
        })
        .await?
    }

    /// Checks a password; without a hash it takes as long and never matches.
    ///
    /// # Errors
    /// The stored hash is no PHC string, or the machine gives no memory.
    pub async fn check(&self, hash: Option<&PasswordHash>, password: &Password) -> Result<Verdict> {
        let known = hash.is_some();
        let hash = hash.unwrap_or(&self.decoy).clone();
        let password = password.clone();
        let permit = Arc::clone(&self.permit);
        let verdict = blocking(move || {
            let _permit = permit;
            check_now(&hash, password.expose_bytes())
        })
        .await??;
        Ok(Verdict {
            matches: known && verdict.matches,
            outdated: known && verdict.outdated,
        })
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(Error::internal)
}

fn argon2id() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
        .map_err(|error| Error::internal(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &[u8]) -> Result<PasswordHash> {
    let hash = argon2id()?
        .hash_password(password)
        .map_err(|error| Error::internal(error.to_string()))?;
    Ok(PasswordHash(hash.to_string()))
}

fn check_now(hash: &PasswordHash, password: &[u8]) -> Result<Verdict> {
    let parsed =
        phc::PasswordHash::new(&hash.0).map_err(|error| Error::internal(error.to_string()))?;
    let matches = match argon2id()?.verify_password(password, &parsed) {
        Ok(()) => true,
        Err(argon2::password_hash::Error::PasswordInvalid) => false,
        Err(error) => return Err(Error::internal(error.to_string())),
    };
    Ok(Verdict {
        matches,
        outdated: is_outdated(&parsed),
    })
}

fn is_outdated(hash: &phc::PasswordHash) -> bool {
    let Ok(params) = Params::try_from(hash) else {
        return true;
    };
    params.m_cost() < MEMORY_KIB || params.t_cost() < PASSES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::parse(text.to_owned()).unwrap()
    }

    #[tokio::test]
    async fn tells_passwords_apart_to_the_last_byte() {
        let hasher = Hasher::new(2, Duration::from_secs(30)).await.unwrap();
        let place = hasher.place().await.unwrap();
        // bcrypt would stop at 72 bytes.
        let long = "x".repeat(200);
        let hash = place.hash(&password(&format!("{long}a"))).await.unwrap();
        assert!(
            hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{}",
            hash.0
        );
        let right = place
            .check(Some(&hash), &password(&format!("{long}a")))
            .await;
        assert_eq!(
            right.unwrap(),
            Verdict {
                matches: true,
                outdated: false
            }
        );
        let wrong = place
            .check(Some(&hash), &password(&format!("{long}b")))
            .await;
        assert!(!wrong.unwrap().matches);
    }

    #[tokio::test]
    async fn the_decoy_matches_nothing_not_even_its_own_password() {
        let hasher = Hasher::new(1, Duration::from_secs(30)).await.unwrap();
        let place = hasher.place().await.unwrap();
        let guess = password("the password of no account");
        assert!(!place.check(None, &guess).await.unwrap().matches);
    }

    #[tokio::test]
    async fn a_hash_of_weaker_parameters_is_outdated() {
        let weak = Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            Params::new(8_192, 1, 1, None).unwrap(),
        );
        let hash = PasswordHash(weak.hash_password(b"an old one").unwrap().to_string());
        let verdict = check_now(&hash, b"an old one").unwrap();
        assert_eq!(
            verdict,
            Verdict {
                matches: true,
                outdated: true
            }
        );
    }

    #[tokio::test]
    async fn waits_only_so_long_for_a_place() {
        let hasher = Hasher::new(1, Duration::from_millis(20)).await.unwrap();
        let taken = hasher.place().await.unwrap();
        assert!(matches!(hasher.place().await, Err(Error::Overloaded)));
        drop(taken);
        assert!(hasher.place().await.is_ok());
    }

    #[tokio::test]
    async fn a_stored_hash_that_is_none_is_a_fault_of_ours() {
        let outcome = check_now(&PasswordHash("plain".to_owned()), b"plain");
        assert!(matches!(outcome, Err(Error::Internal(_))));
    }
}

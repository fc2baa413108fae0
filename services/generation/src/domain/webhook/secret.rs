//! Secrets that are not kept: each is made anew from a seed in its row and the suite's secret, so that
//! neither the database nor the configuration alone gives one away.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretString};
use types::Timestamp;

use super::Webhook;
use super::error::Error;

const PURPOSE: &[u8] = b"bottega generation webhooks v1";

/// What one secret is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed(pub Vec<u8>);

impl Seed {
    /// A seed nobody can guess.
    ///
    /// # Errors
    /// [`Error::NoSecret`].
    pub fn draw() -> Result<Self, Error> {
        let mut seed = vec![0; 32];
        let drawn = SystemRandom::new().fill(&mut seed);
        drawn.map_err(|_| Error::NoSecret)?;
        Ok(Self(seed))
    }
}

/// Makes secrets.
#[derive(Clone)]
pub struct Locksmith(hmac::Key);

impl Locksmith {
    /// Works with the suite's secret.
    #[must_use]
    pub fn new(secret: &SecretString) -> Self {
        let suite = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
        let own = hmac::sign(&suite, PURPOSE);
        Self(hmac::Key::new(hmac::HMAC_SHA256, own.as_ref()))
    }

    /// The secret of a seed, as receivers are given it.
    #[must_use]
    pub fn secret(&self, seed: &Seed) -> String {
        format!("whsec_{}", STANDARD.encode(hmac::sign(&self.0, &seed.0)))
    }

    /// What a webhook's events are signed with at this moment: the newest first.
    #[must_use]
    pub fn secrets(&self, webhook: &Webhook, now: Timestamp) -> SecretString {
        let mut secrets = self.secret(&webhook.seed);
        if let Some((seed, until)) = &webhook.previous
            && now < *until
        {
            secrets = format!("{secrets} {}", self.secret(seed));
        }
        secrets.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_depends_on_its_seed_and_the_suites_secret() {
        let smith = Locksmith::new(&"one suite's secret".into());
        let [seed, other] = [(); 2].map(|()| Seed::draw().unwrap());
        let secret = smith.secret(&seed);
        assert_eq!(secret, smith.secret(&seed));
        assert_eq!(secret.len(), "whsec_".len() + 44);
        assert_ne!(secret, smith.secret(&other));
        assert_ne!(secret, Locksmith::new(&"another's".into()).secret(&seed));
    }
}

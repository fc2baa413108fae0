//! Keeps private keys unreadable in the database: AES-256-GCM under a key derived from the
//! suite's secret.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use ring::{hkdf, hmac};
use secrecy::{ExposeSecret, SecretString};

use super::{Error, Result};

/// The layout of what is stored: this byte, the nonce, the ciphertext with its tag.
const VERSION: u8 = 1;

/// Derives the keys this service needs from the suite's secret, one per purpose.
pub struct Sealer {
    sealing: LessSafeKey,
    refresh: hmac::Key,
}

impl Sealer {
    /// Derives from the suite's secret.
    ///
    /// # Errors
    /// Never in practice: the lengths are fixed.
    pub fn new(secret: &SecretString) -> Result<Self> {
        let sealing = derive(secret, b"bottega auth signing keys v1")?;
        let refresh = derive(secret, b"bottega auth refresh tokens v1")?;
        let sealing = UnboundKey::new(&AES_256_GCM, &sealing)
            .map_err(|_| Error::internal("no AES-256-GCM key"))?;
        Ok(Self {
            sealing: LessSafeKey::new(sealing),
            refresh: hmac::Key::new(hmac::HMAC_SHA256, &refresh),
        })
    }

    /// What refresh tokens are derived with.
    #[must_use]
    pub fn refresh_key(&self) -> hmac::Key {
        self.refresh.clone()
    }

    /// Seals the private part of the key with this name, for this name only.
    ///
    /// # Errors
    /// The machine gives no random bytes.
    pub fn seal(&self, kid: &str, private: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new()
            .fill(&mut nonce)
            .map_err(|_| Error::internal("no random bytes"))?;
        let mut sealed = private.to_vec();
        self.sealing
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(kid.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| Error::internal("sealing failed"))?;
        Ok([&[VERSION][..], &nonce, &sealed].concat())
    }

    /// Opens what [`Sealer::seal`] made; `None` when it was sealed under another secret, for
    /// another name, or changed since.
    #[must_use]
    pub fn open(&self, kid: &str, stored: &[u8]) -> Option<Vec<u8>> {
        let (version, rest) = stored.split_first()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        if *version != VERSION {
            return None;
        }
        let mut buffer = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self
            .sealing
            .open_in_place(nonce, Aad::from(kid.as_bytes()), &mut buffer)
            .ok()?;
        Some(opened.to_vec())
    }
}

fn derive(secret: &SecretString, purpose: &[u8]) -> Result<[u8; 32]> {
    let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"bottega");
    let mut key = [0; 32];
    salt.extract(secret.expose_secret().as_bytes())
        .expand(&[purpose], hkdf::HKDF_SHA256)
        .and_then(|material| material.fill(&mut key))
        .map_err(|_| Error::internal("key derivation failed"))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(secret: &str) -> Sealer {
        Sealer::new(&SecretString::from(secret)).unwrap()
    }

    #[test]
    fn opens_only_with_the_same_secret_and_name() {
        let (kid, private) = ("a-key", b"private part".as_slice());
        let stored = sealer("one secret").seal(kid, private).unwrap();
        assert_eq!(
            sealer("one secret").open(kid, &stored).as_deref(),
            Some(private)
        );
        assert_eq!(sealer("another").open(kid, &stored), None);
        assert_eq!(sealer("one secret").open("b-key", &stored), None);
    }

    #[test]
    fn notices_every_changed_or_missing_byte() {
        let (kid, sealer) = ("a-key", sealer("one secret"));
        let stored = sealer.seal(kid, b"private part").unwrap();
        for place in 0..stored.len() {
            let mut changed = stored.clone();
            changed[place] ^= 1;
            assert_eq!(sealer.open(kid, &changed), None, "byte {place}");
            assert_eq!(sealer.open(kid, &stored[..place]), None, "cut at {place}");
        }
    }

    #[test]
    fn never_seals_alike() {
        let (kid, sealer) = ("a-key", sealer("one secret"));
        let sealed = sealer.seal(kid, b"private part").unwrap();
        assert_ne!(sealed, sealer.seal(kid, b"private part").unwrap());
        assert!(!sealed.windows(7).any(|window| window == b"private"));
    }
}

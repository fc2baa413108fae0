//! The private key access tokens are signed with.

use std::fmt;

use errors::Fault;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use types::Timestamp;

use crate::jws::{self, encode, is_kid};
use crate::{Caller, Claims, PublicKey};

/// A key that signs tokens.
pub struct SigningKey {
    kid: String,
    x: [u8; 32],
    pair: Ed25519KeyPair,
}

/// The bytes are no Ed25519 key, or the name is none a token may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an Ed25519 private key (PKCS#8 v2) with a name of letters, digits, '-' and '_'")]
pub struct InvalidKey;

impl SigningKey {
    /// Makes a key, named by its RFC 7638 thumbprint, and gives its PKCS#8 v2 document to store.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "the machine's random source failing leaves nothing to go on with, and ring reads back what it wrote"
    )]
    pub fn generate() -> (Self, Vec<u8>) {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .expect("the system gives random bytes");
        let bytes = document.as_ref().to_vec();
        let pair = Ed25519KeyPair::from_pkcs8(&bytes).expect("a fresh key is whole");
        let x = public_bytes(&pair).expect("an Ed25519 public key has 32 bytes");
        let kid = thumbprint(&x);
        (Self { kid, x, pair }, bytes)
    }

    /// Reads a stored key.
    ///
    /// # Errors
    /// The bytes are no such key, or the name is none a token may carry.
    pub fn from_pkcs8(kid: impl Into<String>, document: &[u8]) -> Result<Self, InvalidKey> {
        let kid = kid.into();
        if !is_kid(&kid) {
            return Err(InvalidKey);
        }
        let pair = Ed25519KeyPair::from_pkcs8(document).map_err(|_| InvalidKey)?;
        let x = public_bytes(&pair).ok_or(InvalidKey)?;
        Ok(Self { kid, x, pair })
    }

    /// The key's name.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// What others verify with.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey {
            kid: self.kid.clone(),
            x: self.x,
        }
    }

    /// Signs a token that says `caller` until `caller.expires_at`, which is cut to whole seconds.
    ///
    /// # Errors
    /// `INTERNAL` when the claims cannot be written down.
    pub fn sign(&self, caller: &Caller, now: Timestamp) -> Result<String, Fault> {
        let claims = Claims::of(caller, now);
        let sign = |signed: &[u8]| self.pair.sign(signed).as_ref().to_vec();
        jws::compose(&self.kid, &claims, sign).map_err(Fault::internal)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

fn public_bytes(pair: &Ed25519KeyPair) -> Option<[u8; 32]> {
    pair.public_key().as_ref().try_into().ok()
}

// RFC 7638 section 3: the required members in lexical order, hashed. RFC 8037 names them.
fn thumbprint(x: &[u8; 32]) -> String {
    let json = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, encode(x));
    encode(digest(&SHA256, json.as_bytes()).as_ref())
}

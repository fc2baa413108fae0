//! Compact JSON Web Signatures (RFC 7515) of one kind only: Ed25519 under a named key.
//!
//! The header chooses nothing: `alg` and `typ` must be ours, `kid` is looked up among our own
//! keys, and a header that demands more (`crit`) is refused. Keys and addresses a header brings
//! (`jwk`, `jku`, `x5u`) are never looked at.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use crate::{Claims, PublicKey};

/// The longest token that is looked at, in bytes.
pub(crate) const MAX_LENGTH: usize = 8 * 1024;
pub(crate) const ALGORITHM: &str = "EdDSA";
pub(crate) const TYPE: &str = "at+jwt";
const MAX_KID: usize = 64;

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
    #[serde(default, deserialize_with = "is_there")]
    crit: bool,
}

// Notices a field whatever it holds, null included.
fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// A token taken apart; nothing of it may be believed yet.
pub(crate) struct Unverified<'a> {
    kid: String,
    signed: &'a str,
    payload: &'a str,
    signature: Vec<u8>,
}

impl<'a> Unverified<'a> {
    /// Takes a token apart, or says for the log why it is none of ours.
    pub(crate) fn parse(token: &'a str) -> Result<Self, &'static str> {
        if token.len() > MAX_LENGTH {
            return Err("length");
        }
        let (signed, signature) = token.rsplit_once('.').ok_or("form")?;
        let (header, payload) = signed.split_once('.').ok_or("form")?;
        if payload.contains('.') {
            return Err("form");
        }
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| "header")?;
        if header.alg != ALGORITHM || header.typ != TYPE || header.crit || !is_kid(&header.kid) {
            return Err("header");
        }
        Ok(Self {
            kid: header.kid,
            signed,
            payload,
            signature: decode(signature)?,
        })
    }

    /// The name of the key it claims to be signed with.
    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    /// Checks the signature; only then are the claims read.
    pub(crate) fn verify(&self, key: &PublicKey) -> Result<Claims, &'static str> {
        ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, key.x)
            .verify(self.signed.as_bytes(), &self.signature)
            .map_err(|_| "signature")?;
        serde_json::from_slice(&decode(self.payload)?).map_err(|_| "claims")
    }
}

/// Puts a token together; `sign` makes the signature of what it is given.
pub(crate) fn compose(
    kid: &str,
    claims: &Claims,
    sign: impl FnOnce(&[u8]) -> Vec<u8>,
) -> Result<String, serde_json::Error> {
    let header = serde_json::json!({ "alg": ALGORITHM, "typ": TYPE, "kid": kid });
    let mut token = encode(header.to_string().as_bytes());
    token.push('.');
    token.push_str(&encode(&serde_json::to_vec(claims)?));
    let signature = encode(&sign(token.as_bytes()));
    token.push('.');
    token.push_str(&signature);
    Ok(token)
}

/// Whether this could be one of our key names.
pub(crate) fn is_kid(kid: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=MAX_KID).contains(&kid.len()) && kid.bytes().all(plain)
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &str) -> Result<Vec<u8>, &'static str> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| "base64")
}

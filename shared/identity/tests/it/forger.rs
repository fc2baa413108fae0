//! Makes tokens as they should be, and as they should not.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity::{Caller, FixedKeys, PublicKey, Role, SigningKey, Verifier};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use types::{Clock, SystemClock, UserId};
use uuid::Uuid;

pub struct Forger {
    pub kid: String,
    pair: Ed25519KeyPair,
}

impl Forger {
    pub fn new() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self {
            kid: "key-1".to_owned(),
            pair: Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap(),
        }
    }

    pub fn public(&self) -> PublicKey {
        PublicKey {
            kid: self.kid.clone(),
            x: self.public_bytes().try_into().unwrap(),
        }
    }

    pub fn public_bytes(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }

    pub fn verifier(&self) -> Verifier {
        Verifier::new(FixedKeys(vec![self.public()]))
    }

    pub fn header(&self) -> Value {
        json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": self.kid })
    }

    /// Signs whatever it is given.
    pub fn sign(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", encode(header), encode(claims));
        let signature = self.pair.sign(signed.as_bytes());
        format!("{signed}.{}", encode(signature))
    }

    pub fn token(&self, header: &Value, claims: &Value) -> String {
        self.sign(&header.to_string(), &claims.to_string())
    }
}

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn now_seconds() -> i64 {
    SystemClock.now().micros() / 1_000_000
}

/// Claims nothing is wrong with.
pub fn claims() -> Value {
    json!({
        "iss": "bottega",
        "aud": "bottega",
        "sub": Uuid::now_v7().to_string(),
        "role": "user",
        "tier": "free",
        "iat": now_seconds(),
        "exp": now_seconds() + 300,
    })
}

/// Claims with one of them changed, or added, or taken away by null.
pub fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    let fields = claims.as_object_mut().unwrap();
    if value.is_null() {
        fields.remove(name);
    } else {
        fields.insert(name.to_owned(), value);
    }
    claims
}

pub fn user(lifetime: Duration) -> Caller {
    let id = UserId(Uuid::now_v7());
    Caller {
        role: Role::User,
        subject: id.to_string(),
        owner: Some(id),
        tier: "pro".to_owned(),
        session: None,
        grant: None,
        expires_at: SystemClock.now().plus(lifetime),
    }
}

pub fn signing_key() -> SigningKey {
    SigningKey::generate().0
}

//! Signatures a receiver can check: HMAC-SHA256 over id, time and the very bytes of the body.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};

const LEAST_BYTES: usize = 24;

/// What events are signed with: one secret, or several while receivers change over.
#[derive(Clone)]
pub struct Secrets(Vec<hmac::Key>);

/// The text is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be whsec_ and base64, or plain text, of at least 24 bytes; several are separated by spaces"
)]
pub struct InvalidSecret;

impl Secrets {
    /// Reads secrets separated by spaces: `whsec_` with base64, or plain text.
    ///
    /// # Errors
    /// There is none, or one is shorter than 24 bytes or not base64.
    pub fn parse(text: &SecretString) -> Result<Self, InvalidSecret> {
        let words = text.expose_secret().split_ascii_whitespace();
        let keys: Vec<hmac::Key> = words.map(key).collect::<Result<_, _>>()?;
        if keys.is_empty() {
            return Err(InvalidSecret);
        }
        Ok(Self(keys))
    }

    /// The value of `webhook-signature`: one signature for each secret.
    #[must_use]
    pub fn sign(&self, id: &str, unix_seconds: i64, body: &[u8]) -> String {
        let mut signed = format!("{id}.{unix_seconds}.").into_bytes();
        signed.extend_from_slice(body);
        let signatures = self.0.iter().map(|key| {
            let tag = hmac::sign(key, &signed);
            format!("v1,{}", STANDARD.encode(tag))
        });
        signatures.collect::<Vec<_>>().join(" ")
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({} hidden)", self.0.len())
    }
}

fn key(word: &str) -> Result<hmac::Key, InvalidSecret> {
    let bytes = match word.strip_prefix("whsec_") {
        Some(code) => STANDARD.decode(code).map_err(|_| InvalidSecret)?,
        None => word.as_bytes().to_vec(),
    };
    if bytes.len() < LEAST_BYTES {
        return Err(InvalidSecret);
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(text: &str) -> Result<Secrets, InvalidSecret> {
        Secrets::parse(&SecretString::from(text.to_owned()))
    }

    // The example that the specification's own libraries are tested with.
    #[test]
    fn signs_as_the_specification_does() {
        let one = secrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = br#"{"test": 2432232314}"#;
        let signature = one.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn every_secret_signs_while_they_change() {
        let both =
            secrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw  plain-text-of-24-letters").unwrap();
        let signature = both.sign("a", 1, b"x");
        let parts: Vec<&str> = signature.split(' ').collect();
        assert_eq!(parts.len(), 2);
        assert!(parts.iter().all(|part| part.starts_with("v1,")) && parts[0] != parts[1]);
    }

    #[test]
    fn short_and_empty_secrets_are_none() {
        for wrong in ["", "  ", "short", "whsec_", "whsec_c2hvcnQ=", "whsec_!!!"] {
            assert_eq!(secrets(wrong).err(), Some(InvalidSecret), "{wrong}");
        }
        let fine = "x".repeat(24);
        assert!(secrets(&fine).is_ok());
        assert!(secrets(&format!("{fine} short")).is_err());
        assert!(!format!("{:?}", secrets(&fine)).contains("xx"));
    }
}

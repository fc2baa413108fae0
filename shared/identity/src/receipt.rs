//! Proof that units were reserved, carried from the gateway through the caller's request to the
//! service that adopts the reservation: HMAC-SHA256 under the suite's secret (RFC 2104).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use types::{ReservationId, Timestamp, UserId};

/// The metadata a receipt travels in.
pub const METADATA: &str = "x-bottega-reservation";

// Keeps these signatures apart from anything else the secret may ever sign.
const PURPOSE: &[u8] = b"bottega.receipt.v1\0";
const MAX_LENGTH: usize = 2 * 1024;

/// Units set aside for an owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The reservation in the usage service.
    pub reservation: ReservationId,
    /// Whose units.
    pub owner: UserId,
    /// What is counted, e.g. `GENERATIONS`.
    pub meter: String,
    /// How many.
    pub amount: i64,
    /// When the reservation is released unless it is confirmed.
    pub expires_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    reservation: ReservationId,
    owner: UserId,
    meter: String,
    amount: i64,
    expires_at: i64,
}

/// Writes a receipt down so that only who knows the secret could have written it.
#[must_use]
pub fn seal(secret: &SecretString, receipt: &Receipt) -> String {
    let wire = serde_json::json!({
        "reservation": receipt.reservation,
        "owner": receipt.owner,
        "meter": receipt.meter,
        "amount": receipt.amount,
        "expires_at": receipt.expires_at.micros(),
    });
    let body = URL_SAFE_NO_PAD.encode(wire.to_string());
    let tag = hmac::sign(&key(secret), &signed(&body));
    format!("{body}.{}", URL_SAFE_NO_PAD.encode(tag))
}

/// Reads a receipt back; `None` when it was not sealed with this secret or has expired.
#[must_use]
pub fn open(secret: &SecretString, text: &str, now: Timestamp) -> Option<Receipt> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let (body, tag) = text.split_once('.')?;
    let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
    hmac::verify(&key(secret), &signed(body), &tag).ok()?;
    let wire: Wire = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()?;
    let receipt = Receipt {
        reservation: wire.reservation,
        owner: wire.owner,
        meter: wire.meter,
        amount: wire.amount,
        expires_at: Timestamp(wire.expires_at),
    };
    (receipt.expires_at > now).then_some(receipt)
}

fn key(secret: &SecretString) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes())
}

fn signed(body: &str) -> Vec<u8> {
    [PURPOSE, body.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn receipt() -> Receipt {
        Receipt {
            reservation: ReservationId(Uuid::now_v7()),
            owner: UserId(Uuid::now_v7()),
            meter: "GENERATIONS".to_owned(),
            amount: 1,
            expires_at: Timestamp(1_000),
        }
    }

    fn secret(text: &str) -> SecretString {
        SecretString::from(text.to_owned())
    }

    #[test]
    fn opens_what_it_sealed() {
        let sealed = seal(&secret("one"), &receipt());
        assert!(open(&secret("one"), &sealed, Timestamp(999)).is_some());
        let again = receipt();
        let sealed = seal(&secret("one"), &again);
        assert_eq!(open(&secret("one"), &sealed, Timestamp(0)), Some(again));
    }

    #[test]
    fn refuses_what_is_old_or_was_touched() {
        let sealed = seal(&secret("one"), &receipt());
        assert_eq!(open(&secret("one"), &sealed, Timestamp(1_000)), None);
        assert_eq!(open(&secret("two"), &sealed, Timestamp(0)), None);
        for place in 0..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            let touched = String::from_utf8(bytes).unwrap();
            assert_eq!(
                open(&secret("one"), &touched, Timestamp(0)),
                None,
                "{place}"
            );
        }
        assert_eq!(open(&secret("one"), "", Timestamp(0)), None);
        assert_eq!(
            open(&secret("one"), &"x".repeat(70_000), Timestamp(0)),
            None
        );
    }
}

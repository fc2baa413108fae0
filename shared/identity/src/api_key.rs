//! API keys as people hold them: `btg_`, 30 random letters and digits, and 6 that check the others.

use std::fmt;

use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};

/// What every key begins with, so that those who look for leaked secrets know one when they see it.
const PREFIX: &str = "btg_";
/// 178 bits.
const RANDOM: usize = 30;
const CHECK: usize = 6;
/// How much of a key is shown to tell it by.
const SHOWN: usize = 8;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// An API key whose check digits are right; whether anybody gave it out is known to auth alone.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// A new key; `None` when the machine gives no random bytes.
    #[must_use]
    pub fn draw() -> Option<Self> {
        let mut text = PREFIX.to_owned();
        let random = SystemRandom::new();
        let mut bytes = [0; 64];
        while text.len() < PREFIX.len() + RANDOM {
            random.fill(&mut bytes).ok()?;
            // Bytes past the last whole turn of the digits would make some likelier than others.
            let fair = bytes.iter().filter(|byte| **byte < 248);
            let missing = PREFIX.len() + RANDOM - text.len();
            text.extend(fair.map(|byte| digit(u32::from(*byte))).take(missing));
        }
        let check = check_of(&text);
        Some(Self(text + &check))
    }

    /// Reads a key; `None` for whatever cannot be one. Asks nobody.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let whole = PREFIX.len() + RANDOM + CHECK;
        let is_fit = text.len() == whole && Self::is_meant(text);
        let rest = text.get(PREFIX.len()..).filter(|_| is_fit)?;
        if !rest.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        let (body, check) = text.split_at(PREFIX.len() + RANDOM);
        (check == check_of(body)).then(|| Self(text.to_owned()))
    }

    /// Whether a credential is meant to be an API key, good or not.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// What is kept of it. A plain hash is enough where there is nothing to guess.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(digest(&SHA256, self.0.as_bytes()).as_ref());
        out
    }

    /// The beginning, by which its owner tells it from others.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.0.get(..SHOWN).unwrap_or(PREFIX)
    }

    /// The key itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(hidden)")
    }
}

fn digit(number: u32) -> char {
    let place = usize::try_from(number % 62).unwrap_or(0);
    DIGITS.get(place).map_or('0', |digit| char::from(*digit))
}

fn check_of(text: &str) -> String {
    let mut left = crc32(text.as_bytes());
    let mut digits: Vec<char> = Vec::with_capacity(CHECK);
    for _ in 0..CHECK {
        digits.push(digit(left));
        left /= 62;
    }
    digits.iter().rev().collect()
}

/// CRC-32 as zlib and PNG have it (ISO-HDLC).
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let low = crc & 1;
            crc = (crc >> 1) ^ (0xEDB8_8320 & low.wrapping_neg());
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_is_the_well_known_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        // 62^6 is more than 2^32: six digits hold every check.
        assert_eq!(check_of("").len(), CHECK);
    }

    #[test]
    fn keys_read_back_and_differ() {
        let (one, other) = (ApiKey::draw().unwrap(), ApiKey::draw().unwrap());
        assert_ne!(one, other);
        assert_ne!(one.digest(), other.digest());
        assert_eq!(ApiKey::parse(one.reveal()), Some(one.clone()));
        assert!(one.reveal().starts_with("btg_") && one.reveal().len() == 40);
        assert_eq!(one.prefix(), &one.reveal()[..8]);
        assert!(!format!("{one:?}").contains(&one.reveal()[4..]));
    }

    #[test]
    fn every_changed_letter_is_noticed() {
        let key = ApiKey::draw().unwrap();
        for place in 0..key.reveal().len() {
            let mut text = key.reveal().to_owned();
            let other = if &text[place..=place] == "a" {
                "b"
            } else {
                "a"
            };
            text.replace_range(place..=place, other);
            assert_eq!(ApiKey::parse(&text), None, "{place}");
        }
        for text in ["", "btg_", "btg_é", &format!("{}0", key.reveal())] {
            assert_eq!(ApiKey::parse(text), None, "{text}");
        }
        assert_eq!(ApiKey::parse(&format!("btg_{}", "é".repeat(18))), None);
    }
}

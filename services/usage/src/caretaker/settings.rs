//! What the caretaker is told.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use config::Reader;
use secrecy::SecretString;
use types::Microusd;
use webhooks::{Endpoint, Secrets};

use crate::domain::spending::Breaker;

/// How the books are looked after.
#[derive(Debug, Clone)]
pub struct CareSettings {
    /// `BOTTEGA_USAGE_KEEP_MONTHS`: how many whole months of the ledger are kept beside this one; older
    /// ones are summed up into opening balances. 0, the default, keeps them for ever, as SQLite always
    /// does.
    pub keep_months: u32,
    /// `BOTTEGA_USAGE_RECONCILE_INTERVAL`: how often the books are compared with each other, once
    /// however many processes there are; 1s to 24h, default `15m`.
    pub reconcile_interval: Duration,
    /// `BOTTEGA_USAGE_BREAKER_FACTOR`: at how many times the usual rate paid work is paused, default
    /// `10`, `0` for never; `BOTTEGA_USAGE_BREAKER_FLOOR`: never below so many dollars in ten minutes,
    /// default `5`.
    pub breaker: Breaker,
    /// `BOTTEGA_USAGE_ALERT_WEBHOOK_URL`: where alerts are sent; nowhere by default. Plain HTTP leads to
    /// this machine only, unless `BOTTEGA_USAGE_ALERT_WEBHOOK_INSECURE` is `on`.
    /// `BOTTEGA_USAGE_ALERT_WEBHOOK_SECRET`: what they are signed with; several, separated by spaces,
    /// while the receiver changes over.
    pub webhook: Option<(Endpoint, Secrets)>,
}

const URL: &str = "BOTTEGA_USAGE_ALERT_WEBHOOK_URL";
const SECRET: &str = "BOTTEGA_USAGE_ALERT_WEBHOOK_SECRET";

impl CareSettings {
    /// Reads the settings; the reader keeps what is wrong with them.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let months = reader.number("BOTTEGA_USAGE_KEEP_MONTHS", 0, 0, 1_200);
        Self {
            keep_months: u32::try_from(months).unwrap_or(0),
            reconcile_interval: reconcile_interval(reader),
            breaker: breaker(reader),
            webhook: webhook(reader),
        }
    }
}

fn reconcile_interval(reader: &mut Reader<'_>) -> Duration {
    let name = "BOTTEGA_USAGE_RECONCILE_INTERVAL";
    let span = reader.duration(name, "15m");
    if !(Duration::from_secs(1)..=Duration::from_hours(24)).contains(&span) {
        reader.fault(name, "must be 1s to 24h");
    }
    span
}

fn breaker(reader: &mut Reader<'_>) -> Breaker {
    let name = "BOTTEGA_USAGE_BREAKER_FACTOR";
    let factor = reader.parse(name, 10.0);
    if !(factor == 0.0 || (1.0..=1_000_000.0).contains(&factor)) {
        reader.fault(name, "must be 1 to 1000000, or 0 for never");
    }
    Breaker {
        factor,
        floor: reader
            .optional("BOTTEGA_USAGE_BREAKER_FLOOR")
            .unwrap_or(Microusd(5_000_000)),
    }
}

// Shown without what may be a secret: some receivers know their senders by the path alone.
struct Address(String);

impl FromStr for Address {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((scheme, rest)) = self.0.split_once("://") else {
            return f.write_str("(hidden)");
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, below) = rest.split_at(end);
        let host = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        let is_whole = host.len() == authority.len() && matches!(below, "" | "/");
        let hidden = if is_whole { below } else { "/(hidden)" };
        write!(f, "{scheme}://{host}{hidden}")
    }
}

fn webhook(reader: &mut Reader<'_>) -> Option<(Endpoint, Secrets)> {
    let url: Option<Address> = reader.optional(URL);
    let may_be_insecure = reader.switch("BOTTEGA_USAGE_ALERT_WEBHOOK_INSECURE", false);
    let secret = reader.secret(SECRET);
    let url = url?;
    let endpoint = Endpoint::parse(&url.0, may_be_insecure);
    let endpoint = endpoint.map_err(|error| reader.fault(URL, error.to_string()));
    let secret = secret.unwrap_or_else(|| SecretString::from(String::new()));
    let secrets = Secrets::parse(&secret);
    let secrets = secrets.map_err(|error| reader.fault(SECRET, error.to_string()));
    Some((endpoint.ok()?, secrets.ok()?))
}

#[cfg(test)]
mod tests {
    use config::MapSource;

    use super::*;

    fn read<const N: usize>(pairs: [(&str, &str); N]) -> Result<CareSettings, String> {
        let source = MapSource::from(pairs);
        let mut reader = Reader::new(&source);
        let settings = CareSettings::read(&mut reader);
        let finished = reader.finish();
        finished
            .map(|_| settings)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn defaults() {
        let settings = read([]).unwrap();
        assert_eq!(settings.keep_months, 0);
        assert_eq!(settings.reconcile_interval, Duration::from_mins(15));
        assert_eq!(settings.breaker.floor, Microusd(5_000_000));
        assert!(settings.webhook.is_none());
    }

    #[test]
    fn a_receiver_needs_a_safe_address_and_a_secret() {
        let secret = "x".repeat(24);
        let url = (URL, "https://example.com/hooks");
        assert!(read([url, (SECRET, &secret)]).unwrap().webhook.is_some());
        let missing = read([url]).unwrap_err();
        assert!(missing.contains(SECRET), "{missing}");
        let plain = (URL, "http://example.com/");
        let insecure = read([plain, (SECRET, &secret)]).unwrap_err();
        assert!(insecure.contains("https://"), "{insecure}");
        let allowed = ("BOTTEGA_USAGE_ALERT_WEBHOOK_INSECURE", "on");
        assert!(read([plain, (SECRET, &secret), allowed]).is_ok());
    }

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        for (url, shown) in [
            ("https://example.com", "https://example.com"),
            ("https://example.com:8443/", "https://example.com:8443/"),
            (
                "https://example.com/hooks/T0/s3cret",
                "https://example.com/(hidden)",
            ),
            (
                "https://example.com?key=s3cret",
                "https://example.com/(hidden)",
            ),
            (
                "https://me:s3cret@example.com",
                "https://example.com/(hidden)",
            ),
            (
                "https://example.com/#s3cret@x",
                "https://example.com/(hidden)",
            ),
            ("s3cret", "(hidden)"),
        ] {
            assert_eq!(Address(url.to_owned()).to_string(), shown);
        }
    }

    #[test]
    fn names_every_fault() {
        let faults = read([
            ("BOTTEGA_USAGE_KEEP_MONTHS", "1201"),
            ("BOTTEGA_USAGE_RECONCILE_INTERVAL", "0s"),
            ("BOTTEGA_USAGE_BREAKER_FACTOR", "0.5"),
            ("BOTTEGA_USAGE_BREAKER_FLOOR", "much"),
        ]);
        let text = faults.unwrap_err();
        for name in ["KEEP_MONTHS", "RECONCILE_INTERVAL", "FACTOR", "FLOOR"] {
            assert!(text.contains(name), "{text}");
        }
    }
}

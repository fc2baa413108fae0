//! What rate limits are told: the limits of each class, what holds while Redis is away, where it is.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use config::Reader;
use redis::Client;
use secrecy::ExposeSecret;

use super::{Class, Limit, Limits};

/// What a class does while Redis is away. Without a Redis there is nothing to be away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Away {
    /// Each process counts by itself: together they may let through the limit times their number.
    FailOpen,
    /// Nothing passes: 503.
    FailClosed,
    /// Each process lets through so many in each window, at most the limit.
    Allowance(u32),
}

/// The text says no policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be fail_open, fail_closed or 'allowance N', N from 1 to 1000000")]
pub struct InvalidAway;

/// The limits of a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// All of them hold; none means unlimited.
    pub limits: Limits,
    /// While Redis is away.
    pub away: Away,
}

/// Where the counts of all processes are.
#[derive(Debug, Clone)]
pub struct RedisSettings {
    /// `BOTTEGA_REDIS_URL`, or the file that `BOTTEGA_REDIS_URL_FILE` names: `redis://` or, with TLS,
    /// `rediss://`.
    pub client: Client,
    /// `BOTTEGA_REDIS_TIMEOUT`: how long a request waits for it before Redis counts as away; 5ms to
    /// 50ms, default 40ms.
    pub budget: Duration,
}

/// Everything about rate limits.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `BOTTEGA_RATE_LIMITS`: `off` for load tests; default on.
    pub on: bool,
    /// `BOTTEGA_RATE_<CLASS>` and `BOTTEGA_RATE_<CLASS>_AWAY`.
    rules: Vec<(Class, Rule)>,
    /// None: every process counts by itself.
    pub redis: Option<RedisSettings>,
}

/// Every class that can be limited, with the limits it has unless it is told others.
const CLASSES: [(Class, &str); 6] = [
    (Class::Anonymous, "100/15m"),
    (Class::User, "10/s,100/min"),
    (Class::ApiKey, "off"),
    (Class::Credentials, "off"),
    (Class::Read, "off"),
    (Class::Write, "off"),
];

impl Settings {
    /// Reads them.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            on: reader.switch("BOTTEGA_RATE_LIMITS", true),
            rules: CLASSES
                .iter()
                .map(|(class, default)| (*class, read_rule(reader, *class, default)))
                .collect(),
            redis: read_redis(reader),
        }
    }

    /// The rule of a class.
    #[must_use]
    pub fn rule(&self, class: Class) -> Option<&Rule> {
        let mut rules = self.rules.iter();
        rules
            .find(|(known, _)| *known == class)
            .map(|(_, rule)| rule)
    }
}

impl Away {
    /// The limit a process keeps by itself; none when nothing passes.
    #[must_use]
    pub fn limit(self, limit: Limit) -> Option<Limit> {
        match self {
            Self::FailOpen => Some(limit),
            Self::FailClosed => None,
            Self::Allowance(count) => Some(Limit {
                count: count.min(limit.count),
                ..limit
            }),
        }
    }
}

fn read_rule(reader: &mut Reader<'_>, class: Class, default: &str) -> Rule {
    let name = format!("BOTTEGA_RATE_{}", class.as_str().to_uppercase());
    Rule {
        limits: reader.parse(&name, default.parse().unwrap_or_default()),
        away: reader.parse(&format!("{name}_AWAY"), Away::FailOpen),
    }
}

fn read_redis(reader: &mut Reader<'_>) -> Option<RedisSettings> {
    let budget = reader.duration("BOTTEGA_REDIS_TIMEOUT", "40ms");
    if !(Duration::from_millis(5)..=Duration::from_millis(50)).contains(&budget) {
        reader.fault("BOTTEGA_REDIS_TIMEOUT", "must be 5ms to 50ms");
    }
    let url = reader.secret("BOTTEGA_REDIS_URL")?;
    // The URL may hold a password, so neither it nor a message made of it is shown.
    match Client::open(url.expose_secret()) {
        Ok(client) => Some(RedisSettings { client, budget }),
        Err(_) => {
            let problem = "must be a URL like redis://:password@host:6379/0, or rediss:// for TLS";
            reader.fault("BOTTEGA_REDIS_URL", problem);
            None
        }
    }
}

impl FromStr for Away {
    type Err = InvalidAway;

    fn from_str(text: &str) -> Result<Self, InvalidAway> {
        match text.split_once(' ') {
            None if text == "fail_open" => Ok(Self::FailOpen),
            None if text == "fail_closed" => Ok(Self::FailClosed),
            Some(("allowance", count)) => match count.trim().parse() {
                Ok(count @ 1..=1_000_000) => Ok(Self::Allowance(count)),
                _ => Err(InvalidAway),
            },
            _ => Err(InvalidAway),
        }
    }
}

impl fmt::Display for Away {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FailOpen => f.write_str("fail_open"),
            Self::FailClosed => f.write_str("fail_closed"),
            Self::Allowance(count) => write!(f, "allowance {count}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use config::MapSource;

    use super::*;

    #[test]
    fn every_default_is_a_limit() {
        let source = MapSource::from([]);
        let mut reader = Reader::new(&source);
        let settings = Settings::read(&mut reader);
        for (class, default) in CLASSES {
            assert_eq!(
                settings.rule(class).unwrap().limits,
                default.parse().unwrap()
            );
        }
        assert!(settings.on && settings.redis.is_none());
        reader.finish().unwrap();
    }

    #[test]
    fn every_fault_is_named_and_no_password_shown() {
        let source = MapSource::from([
            ("BOTTEGA_RATE_USER", "10/fortnight"),
            ("BOTTEGA_RATE_READ_AWAY", "allowance many"),
            ("BOTTEGA_REDIS_TIMEOUT", "51ms"),
            ("BOTTEGA_REDIS_URL", "http://:hunter2@redis"),
        ]);
        let mut reader = Reader::new(&source);
        Settings::read(&mut reader);
        let faults = reader.finish().unwrap_err();
        let names: Vec<&str> = faults.0.iter().map(|fault| fault.name.as_str()).collect();
        let expected = [
            "BOTTEGA_RATE_USER",
            "BOTTEGA_RATE_READ_AWAY",
            "BOTTEGA_REDIS_TIMEOUT",
            "BOTTEGA_REDIS_URL",
        ];
        assert_eq!(names, expected);
        assert!(!faults.to_string().contains("hunter2"), "{faults}");
    }

    #[test]
    fn policies_print_as_they_are_read() {
        for text in ["fail_open", "fail_closed", "allowance 20"] {
            assert_eq!(text.parse::<Away>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "open",
            "allowance",
            "allowance 0",
            "allowance -1",
            "fail_open 3",
        ] {
            assert_eq!(text.parse::<Away>(), Err(InvalidAway), "{text}");
        }
    }
}

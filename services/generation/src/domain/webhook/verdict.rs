//! What an attempt means: for the event, when it is tried again; for the webhook, how long it is left
//! alone, and when it is disabled.

use std::time::Duration;

use types::Timestamp;

use super::Webhook;
use crate::domain::retry::backoff;

/// A webhook that takes nothing for so long is disabled,
const PATIENCE: Duration = Duration::from_hours(3 * 24);
/// once so many attempts in a row have failed.
const LEAST_FAILURES: u32 = 10;
/// A failing webhook is left alone for a while, and not for longer than this.
const LONGEST_REST: Duration = Duration::from_mins(5);

/// What an attempt came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver took it.
    Taken,
    /// It did not, or nobody knows.
    Failed {
        /// Why.
        why: String,
        /// Its HTTP status, if it gave one.
        status: Option<u16>,
        /// How long until the event is tried again; none when it is given up.
        again: Option<Duration>,
        /// How long the receiver asks to be left alone.
        asked: Option<Duration>,
    },
}

/// What becomes of a webhook after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Failures in a row.
    pub failures: u32,
    /// Since when.
    pub failing_since: Option<Timestamp>,
    /// How long nothing is sent to it.
    pub rest: Duration,
    /// Why it is disabled now.
    pub disabled: Option<&'static str>,
}

impl Standing {
    /// After this outcome. What succeeds now and then is never disabled.
    #[must_use]
    pub fn after(webhook: &Webhook, outcome: &Outcome, now: Timestamp) -> Self {
        let Outcome::Failed { status, asked, .. } = outcome else {
            return Self {
                failures: 0,
                failing_since: None,
                rest: Duration::ZERO,
                disabled: None,
            };
        };
        let failures = webhook.failures.saturating_add(1);
        let since = webhook.failing_since.unwrap_or(now);
        let is_lost = failures >= LEAST_FAILURES && now.since(since) >= PATIENCE;
        let disabled = match status {
            Some(410) => Some("the receiver answered 410 Gone"),
            _ if is_lost => Some("nothing was taken for three days"),
            _ => None,
        };
        let rest = backoff(Duration::from_secs(1), failures).max(asked.unwrap_or_default());
        Self {
            failures,
            failing_since: Some(since),
            rest: rest.min(LONGEST_REST),
            disabled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{EventType, Seed};
    use super::*;

    fn webhook(failures: u32, since: Option<i64>) -> Webhook {
        Webhook {
            id: uuid::Uuid::nil(),
            owner: uuid::Uuid::nil().into(),
            url: String::new(),
            event_types: EventType::ALL.to_vec(),
            is_enabled: true,
            disabled_reason: None,
            seed: Seed(Vec::new()),
            previous: None,
            failures,
            failing_since: since.map(Timestamp),
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        }
    }

    fn failed(status: u16) -> Outcome {
        Outcome::Failed {
            why: String::new(),
            status: Some(status),
            again: None,
            asked: None,
        }
    }

    #[test]
    fn only_what_fails_for_days_is_disabled() {
        let now = Timestamp(0).plus(PATIENCE);
        let after = |webhook: &Webhook, outcome| Standing::after(webhook, &outcome, now);
        assert!(after(&webhook(9, Some(0)), failed(500)).disabled.is_some());
        assert_eq!(after(&webhook(9, Some(1)), failed(500)).disabled, None);
        assert_eq!(after(&webhook(8, Some(0)), failed(500)).disabled, None);
        let first = after(&webhook(0, None), failed(503));
        assert_eq!((first.failures, first.failing_since), (1, Some(now)));
        let fine = after(&webhook(9, Some(0)), Outcome::Taken);
        assert_eq!((fine.failures, fine.failing_since), (0, None));
        assert!(after(&webhook(0, None), failed(410)).disabled.is_some());
    }

    #[test]
    fn a_failing_webhook_rests_and_is_heard() {
        let now = Timestamp(0);
        let rest = |failures, asked| {
            let outcome = Outcome::Failed {
                why: String::new(),
                status: Some(429),
                again: None,
                asked,
            };
            Standing::after(&webhook(failures, Some(0)), &outcome, now).rest
        };
        assert!(rest(0, None) < Duration::from_secs(5));
        assert!(rest(1_000, None) <= LONGEST_REST);
        assert_eq!(
            rest(0, Some(Duration::from_secs(77))),
            Duration::from_secs(77)
        );
        assert_eq!(rest(0, Some(PATIENCE)), LONGEST_REST);
    }
}

//! One attempt: signed, no redirects, no proxies, bounded in time and in what is read.

use std::time::Duration;

use bytes::Bytes;
use egress::{Client, ClientError, Limits, Reply, Target};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use types::Timestamp;

use crate::{Endpoint, Secrets};

const LIMITS: Limits = Limits {
    time: Duration::from_secs(15),
    // What a receiver says beyond this is not read.
    body: 64 * 1024,
};

/// Sends events to one receiver.
#[derive(Debug, Clone)]
pub struct Sender {
    client: Client,
    target: Target,
    secrets: Secrets,
}

/// What is told.
#[derive(Debug, Clone)]
pub struct Event {
    /// The same in every attempt, so that a receiver can tell a repetition.
    pub id: String,
    /// JSON; the same bytes in every attempt.
    pub body: Bytes,
}

/// What an attempt came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The receiver took it: a status of 2xx.
    Taken,
    /// It did not, or nobody knows.
    Failed {
        /// Why, for the log.
        why: String,
        /// The HTTP status, when the receiver answered at all.
        status: Option<u16>,
        /// How long the receiver asks to be left alone.
        retry_after: Option<Duration>,
    },
}

impl Sender {
    /// A sender to where the operator said, wherever that is. The process' cryptography must be set up.
    ///
    /// # Errors
    /// There is no TLS, most often because the system has no root certificates.
    pub fn new(endpoint: Endpoint, secrets: Secrets) -> Result<Self, ClientError> {
        let client = Client::new(endpoint.policy)?;
        Ok(Self::to(client, endpoint.target, secrets))
    }

    /// A sender to where a user said: through a client that knows what is refused.
    #[must_use]
    pub const fn to(client: Client, target: Target, secrets: Secrets) -> Self {
        Self {
            client,
            target,
            secrets,
        }
    }

    /// Sends an event once; `now` is the time of the attempt, which is signed too.
    pub async fn send(&self, event: &Event, now: Timestamp) -> Delivery {
        let seconds = now.micros().div_euclid(1_000_000);
        let signature = self.secrets.sign(&event.id, seconds, &event.body);
        let request = self
            .client
            .post(&self.target)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &event.id)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", signature)
            .body(event.body.clone());
        match self.client.send(request, LIMITS).await {
            Ok(reply) => judge(&reply),
            Err(failure) => Delivery::Failed {
                why: failure.to_string(),
                status: None,
                retry_after: None,
            },
        }
    }
}

fn judge(reply: &Reply) -> Delivery {
    if reply.status.is_success() {
        return Delivery::Taken;
    }
    let status = reply.status.as_u16();
    Delivery::Failed {
        why: format!("HTTP {status}"),
        status: Some(status),
        retry_after: retry_after(&reply.headers, OffsetDateTime::now_utc()),
    }
}

fn retry_after(headers: &HeaderMap, now: OffsetDateTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let moment = OffsetDateTime::parse(text, &Rfc2822).ok()?;
    (moment - now).try_into().ok()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn both_forms_of_retry_after() {
        let now = datetime!(2015-10-21 07:28:00 UTC);
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers, now)
        };
        assert_eq!(read("120"), Some(Duration::from_secs(120)));
        let date = read("Wed, 21 Oct 2015 07:30:00 GMT");
        assert_eq!(date, Some(Duration::from_secs(120)));
        assert_eq!(read("Wed, 21 Oct 2015 07:20:00 GMT"), None);
        assert_eq!(read("soon"), None);
    }
}

//! One attempt: signed, no redirects, no proxies, bounded in time and in what is read.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Response, redirect};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use types::Timestamp;

use crate::{Endpoint, Secrets};

const TIMEOUT: Duration = Duration::from_secs(15);
const CONNECT: Duration = Duration::from_secs(5);
// What a receiver says beyond this is not read.
const MOST_READ: usize = 64 * 1024;

/// Sends events to one receiver.
#[derive(Debug, Clone)]
pub struct Sender {
    client: Client,
    endpoint: Endpoint,
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
        /// How long the receiver asks to be left alone.
        retry_after: Option<Duration>,
    },
}

/// There is no HTTP client.
#[derive(Debug, thiserror::Error)]
#[error("no HTTP client for webhooks")]
pub struct ClientError(#[from] reqwest::Error);

impl Sender {
    /// A sender. The process' cryptography must be set up.
    ///
    /// # Errors
    /// There is no TLS, most often because the system has no root certificates.
    pub fn new(endpoint: Endpoint, secrets: Secrets) -> Result<Self, ClientError> {
        let client = Client::builder()
            .user_agent(concat!("bottega/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT)
            .timeout(TIMEOUT)
            .build()?;
        Ok(Self {
            client,
            endpoint,
            secrets,
        })
    }

    /// Sends an event once; `now` is the time of the attempt, which is signed too.
    pub async fn send(&self, event: &Event, now: Timestamp) -> Delivery {
        let seconds = now.micros().div_euclid(1_000_000);
        let signature = self.secrets.sign(&event.id, seconds, &event.body);
        let request = self
            .client
            .post(self.endpoint.url())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &event.id)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", signature)
            .body(event.body.clone());
        match request.send().await {
            Ok(response) => answer(response).await,
            Err(error) => Delivery::Failed {
                why: chain(&error.without_url()),
                retry_after: None,
            },
        }
    }
}

async fn answer(response: Response) -> Delivery {
    let status = response.status();
    let retry_after = retry_after(response.headers(), OffsetDateTime::now_utc());
    drain(response).await;
    if status.is_success() {
        return Delivery::Taken;
    }
    Delivery::Failed {
        why: format!("HTTP {}", status.as_u16()),
        retry_after,
    }
}

// A body that is read leaves the connection fit for the next event; a long one is not worth it.
async fn drain(mut response: Response) {
    let mut read = 0;
    while let Ok(Some(piece)) = response.chunk().await {
        read += piece.len();
        if read > MOST_READ {
            return;
        }
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

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
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

//! How adapters speak HTTP: one connection for each order, a deadline over all of it, a cap on
//! what is read, no redirects and no proxies, and a class for everything that goes wrong.

mod base64;
mod fault;
mod hint;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::multipart::Part;
use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};
use url::Url;

pub use self::base64::{decode_picture, encode};
pub use fault::{again, by_status, fault};
pub use hint::{parse_wait, wait_of};

use crate::domain::provider::{ErrorClass, ProviderError};

/// The largest answer read: a 4K picture as base64 is about 40 MB.
pub const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// As much of an error's body as is looked at.
const MAX_ERROR: usize = 64 * 1024;
/// How long the body of an error is waited for; its status has said the main thing.
const ERROR_BODY_WAIT: Duration = Duration::from_secs(5);
const CUT_SHORT: &str = "the answer was cut short";
const CONNECT_WAIT: Duration = Duration::from_secs(10);

/// A provider's endpoint as an adapter reaches it.
#[derive(Debug, Clone)]
pub struct Http {
    // An order is never sent on a kept connection: one that the other side is just closing would
    // leave it unknown whether a paid order arrived.
    orders: Client,
    reads: Client,
    base: String,
    key: Option<(HeaderName, HeaderValue)>,
    secret: Option<SecretString>,
}

/// An answer that was read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; of an error only its beginning.
    pub body: Bytes,
}

/// The client cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The key holds characters no header may.
    #[error("the key cannot be sent: it holds line breaks or control characters")]
    Key,
    /// No TLS, most often because the system has no root certificates.
    #[error("no HTTP client: {0}")]
    Client(#[from] reqwest::Error),
    /// The same, for addresses that answers name.
    #[error(transparent)]
    Egress(#[from] egress::ClientError),
}

impl Http {
    /// A client for one provider. `header` and `prefix` say how the key is sent; after `Basic ` it is
    /// encoded, as that is.
    ///
    /// # Errors
    /// The key cannot be sent, or there are no root certificates.
    pub fn new(
        base: &Url,
        secret: Option<SecretString>,
        header: HeaderName,
        prefix: &str,
        timeout: Duration,
    ) -> Result<Self, HttpError> {
        let connect = CONNECT_WAIT.min(timeout.mul_f32(0.5));
        let client = || {
            Client::builder()
                .user_agent(concat!("bottega/", env!("CARGO_PKG_VERSION")))
                .redirect(redirect::Policy::none())
                .no_proxy()
                .connect_timeout(connect)
        };
        let key = match &secret {
            Some(secret) => {
                let text = match prefix {
                    "Basic " => encode(secret.expose_secret().as_bytes()),
                    _ => secret.expose_secret().to_owned(),
                };
                let text = format!("{prefix}{text}");
                let mut value = HeaderValue::from_str(&text).map_err(|_| HttpError::Key)?;
                value.set_sensitive(true);
                Some((header, value))
            }
            None => None,
        };
        Ok(Self {
            orders: client().pool_max_idle_per_host(0).build()?,
            reads: client().build()?,
            base: base.as_str().trim_end_matches('/').to_owned(),
            key,
            secret,
        })
    }

    /// A POST to a path under the base URL, with the key.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.with_key(self.orders.post(format!("{}{path}", self.base)))
    }

    /// A GET of a path under the base URL, with the key.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.with_key(self.reads.get(format!("{}{path}", self.base)))
    }

    /// A PUT of a path under the base URL, with the key.
    pub fn put(&self, path: &str) -> RequestBuilder {
        self.with_key(self.reads.put(format!("{}{path}", self.base)))
    }

    /// A request with the key; the caller has checked where it leads.
    pub fn with_key(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.key {
            Some((name, value)) => request.header(name, value),
            None => request,
        }
    }

    /// Sends an order and reads the answer, whatever its status, before the deadline.
    ///
    /// # Errors
    /// `Unavailable` when it was surely not sent, `Ambiguous` when it may have arrived,
    /// `InvalidOutput` when a success was cut short or is too large.
    pub async fn send(
        &self,
        request: RequestBuilder,
        within: Duration,
    ) -> Result<Answer, ProviderError> {
        let deadline = Instant::now() + within;
        let response = match timeout_at(deadline, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(self.not_answered(error)),
            Err(_) => {
                return Err(self.fault(ErrorClass::Ambiguous, "no answer before the deadline"));
            }
        };
        self.read(response, deadline).await
    }

    /// Sends a question that costs nothing, and may therefore be asked again.
    ///
    /// # Errors
    /// As [`Http::send`], but `Unavailable` when no answer came.
    pub async fn ask(
        &self,
        request: RequestBuilder,
        within: Duration,
    ) -> Result<Answer, ProviderError> {
        let answer = self.send(request, within).await;
        answer.map_err(|error| match error.class {
            ErrorClass::Ambiguous => fault(ErrorClass::Unavailable, error.detail),
            _ => error,
        })
    }

    /// An error with a sentence of ours; the key is taken out of `detail`.
    pub fn fault(&self, class: ErrorClass, detail: impl Into<String>) -> ProviderError {
        let detail: String = detail.into();
        let shown = match self.secret.as_ref().map(ExposeSecret::expose_secret) {
            Some(key) if !key.is_empty() => detail.replace(key, "(key)"),
            _ => detail,
        };
        fault(class, shown)
    }

    async fn read(
        &self,
        mut response: Response,
        deadline: Instant,
    ) -> Result<Answer, ProviderError> {
        let (status, headers) = (response.status(), response.headers().clone());
        if !status.is_success() {
            let until = deadline.min(Instant::now() + ERROR_BODY_WAIT);
            let body = beginning(&mut response, until).await;
            return Ok(Answer {
                status,
                headers,
                body,
            });
        }
        let invalid = |detail: &str| self.fault(ErrorClass::InvalidOutput, detail);
        let announced = response.content_length().unwrap_or(0);
        if announced > MAX_ANSWER as u64 {
            return Err(invalid("the answer is larger than 64 MiB"));
        }
        let mut body = BytesMut::with_capacity(announced as usize);
        loop {
            match timeout_at(deadline, response.chunk()).await {
                Ok(Ok(Some(chunk))) if body.len() + chunk.len() > MAX_ANSWER => {
                    return Err(invalid("the answer is larger than 64 MiB"));
                }
                Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
                Ok(Ok(None)) => break,
                Ok(Err(error)) => {
                    return Err(invalid(&format!("{CUT_SHORT}: {}", chain(error))));
                }
                Err(_) => {
                    let detail = "the answer was not whole before the deadline";
                    return Err(self.fault(ErrorClass::Ambiguous, detail));
                }
            }
        }
        Ok(Answer {
            status,
            headers,
            body: body.freeze(),
        })
    }

    fn not_answered(&self, error: reqwest::Error) -> ProviderError {
        let class = match () {
            () if error.is_connect() => ErrorClass::Unavailable,
            () if error.is_builder() => ErrorClass::Invalid,
            () => ErrorClass::Ambiguous,
        };
        self.fault(class, chain(error))
    }
}

/// Whether a success broke off in the middle.
pub fn is_cut_short(error: &ProviderError) -> bool {
    error.detail.starts_with(CUT_SHORT)
}

impl Answer {
    /// The body as JSON, if it is.
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The beginning of the body, for the log.
    pub fn words(&self) -> String {
        let text = String::from_utf8_lossy(&self.body[..self.body.len().min(2000)]);
        format!("HTTP {}: {text}", self.status.as_u16())
    }

    /// Whether the body is said to be a picture.
    pub fn is_picture(&self) -> bool {
        let kind = self
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        kind.is_some_and(|kind| kind.starts_with("image/"))
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// A picture as one part of a form.
///
/// # Errors
/// `Invalid` when the content type is none.
pub fn file_part(bytes: Bytes, content_type: &str) -> Result<Part, ProviderError> {
    let extension = content_type.rsplit('/').next().unwrap_or("bin").to_owned();
    let length = bytes.len() as u64;
    let part = Part::stream_with_length(bytes, length).file_name(format!("input.{extension}"));
    let part = part.mime_str(content_type);
    part.map_err(|error| {
        fault(
            ErrorClass::Invalid,
            format!("a content type is wrong: {error}"),
        )
    })
}

async fn beginning(response: &mut Response, until: Instant) -> Bytes {
    let mut body = BytesMut::new();
    while let Ok(Ok(Some(chunk))) = timeout_at(until, response.chunk()).await {
        let room = MAX_ERROR - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() >= MAX_ERROR {
            break;
        }
    }
    body.freeze()
}

// What went wrong down to its cause; without the URL, which may be signed.
fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

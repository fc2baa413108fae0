//! The body of a request: counted while it is read, and never mistaken for whole when it is not.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::{Bytes, BytesMut};
use errors::{Fault, Reason};
use futures::{Stream, StreamExt};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, EXPECT};
use http::{HeaderMap, StatusCode};
use http_body::Body as _;
use server::BodyStalled;

use crate::failure::Failure;

/// How long, and how much, a body nobody wants is still taken in. A connection closed on unread
/// bytes is reset, and the client may lose the answer that says why.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 8 * 1024 * 1024;

/// Why a body cannot be read on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// It is longer than allowed.
    #[error("the body is larger than {0} bytes")]
    TooLarge(u64),
    /// It ended early.
    #[error("the body ended before it was whole")]
    Cut(#[source] axum::Error),
}

impl From<Broken> for Failure {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::TooLarge(limit) => too_large(limit),
            Broken::Cut(cause) if is_stall(&cause) => {
                let message = "the body stopped arriving";
                let fault = Fault::new(Reason::IncompleteBody, message);
                Self::from(fault).with_http_status(StatusCode::REQUEST_TIMEOUT)
            }
            Broken::Cut(cause) => {
                let message = "the body ended before it was whole";
                Fault::new(Reason::IncompleteBody, message)
                    .with_cause(cause)
                    .into()
            }
        }
    }
}

fn is_stall(error: &axum::Error) -> bool {
    let mut at = std::error::Error::source(error);
    while let Some(cause) = at {
        if cause.is::<BodyStalled>() {
            return true;
        }
        at = cause.source();
    }
    false
}

/// A request body that is read in pieces.
pub(crate) struct RequestBody {
    inner: Option<BodyDataStream>,
    limit: u64,
    read: u64,
    /// The client waits for a word before it sends, so there is nothing to take in.
    is_awaiting: bool,
}

impl RequestBody {
    /// Takes charge of a body: it lingers even when nobody reads it.
    pub(crate) fn of(body: Body, headers: &HeaderMap) -> Self {
        let is_over = body.is_end_stream();
        Self {
            inner: (!is_over).then(|| body.into_data_stream()),
            limit: u64::MAX,
            read: 0,
            is_awaiting: headers.contains_key(EXPECT),
        }
    }

    /// Whether there is nothing to read.
    pub(crate) const fn is_over(&self) -> bool {
        self.inner.is_none()
    }

    /// Refuses what announces itself as too large or encoded, and sets the limit for the rest.
    ///
    /// # Errors
    /// `TOO_LARGE`, `UNSUPPORTED_MEDIA_TYPE`.
    pub(crate) fn limited(mut self, headers: &HeaderMap, limit: u64) -> Result<Self, Failure> {
        check_announced(headers, limit)?;
        check_encoding(headers)?;
        self.limit = limit;
        Ok(self)
    }

    /// Reads it whole.
    ///
    /// # Errors
    /// `TOO_LARGE` as soon as it is, `INCOMPLETE_BODY`.
    pub(crate) async fn collect(mut self) -> Result<Bytes, Failure> {
        let mut whole = BytesMut::new();
        while let Some(piece) = self.next().await {
            whole.extend_from_slice(&piece?);
        }
        Ok(whole.freeze())
    }
}

impl Stream for RequestBody {
    type Item = Result<Bytes, Broken>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(None);
        };
        let next = ready!(inner.poll_next_unpin(cx));
        self.is_awaiting = false;
        Poll::Ready(match next {
            Some(Ok(piece)) => {
                self.read = self.read.saturating_add(piece.len() as u64);
                let limit = self.limit;
                Some(if self.read > limit {
                    Err(Broken::TooLarge(limit))
                } else {
                    Ok(piece)
                })
            }
            Some(Err(error)) => {
                self.inner = None;
                Some(Err(Broken::Cut(error)))
            }
            None => {
                self.inner = None;
                None
            }
        })
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let Some(rest) = self.inner.take() else {
            return;
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current()
            && !self.is_awaiting
        {
            runtime.spawn(tokio::time::timeout(LINGER, take_in(rest)));
        }
    }
}

async fn take_in(mut rest: BodyDataStream) {
    let mut taken = 0;
    while let Some(Ok(piece)) = rest.next().await {
        taken += piece.len();
        if taken > LINGER_BYTES {
            return;
        }
    }
}

/// Refuses a body that says itself that it is too large.
///
/// # Errors
/// `TOO_LARGE`.
pub(crate) fn check_announced(headers: &HeaderMap, limit: u64) -> Result<(), Failure> {
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    match length.and_then(|text| text.parse::<u64>().ok()) {
        Some(length) if length > limit => Err(too_large(limit)),
        _ => Ok(()),
    }
}

fn check_encoding(headers: &HeaderMap) -> Result<(), Failure> {
    let encoding = headers.get(CONTENT_ENCODING).map(|value| value.as_bytes());
    match encoding {
        None | Some(b"" | b"identity") => Ok(()),
        Some(_) => {
            let message = "Content-Encoding is not taken on requests: send the body as it is";
            Err(Fault::new(Reason::UnsupportedMediaType, message).into())
        }
    }
}

fn too_large(limit: u64) -> Failure {
    let message = format!("the body must not be larger than {limit} bytes");
    Fault::new(Reason::TooLarge, message)
        .with("limitBytes", limit)
        .into()
}

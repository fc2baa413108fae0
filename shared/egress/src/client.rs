//! Asks a target: only where it may, following nobody, within bounds of time and size.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, Response, StatusCode, redirect};
use tokio::time::timeout;
use url::{Host, Url};

use crate::resolver::Checked;
use crate::{Names, Policy, Refusal, SystemNames, Target};

const CONNECT: Duration = Duration::from_secs(5);
// Beside what is asked at the moment, nothing is kept for long.
const IDLE: Duration = Duration::from_secs(30);

/// Asks targets. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    names: Checked,
}

/// The bounds of one request.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// From the first packet to the last byte.
    pub time: Duration,
    /// Of the answer's body, in bytes.
    pub body: usize,
}

/// An answer, of any status.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Its status; a redirect is told, not followed.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// As much of its body as came within the bounds.
    pub body: Bytes,
    /// Whether that is all of it.
    pub is_whole: bool,
}

/// There is no HTTP client, most often because the system has no root certificates.
#[derive(Debug, thiserror::Error)]
#[error("no HTTP client for other people's addresses")]
pub struct ClientError(#[from] reqwest::Error);

/// No answer came.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The name leads nowhere it may be followed to.
    #[error("the address is refused: it {0}")]
    Refused(Refusal),
    /// Not within the time.
    #[error("no answer within {0:?}")]
    Slow(Duration),
    /// The connection could not be made, or broke.
    #[error("{0}")]
    Broken(String),
}

impl Client {
    /// A client under a policy.
    ///
    /// # Errors
    /// There is no TLS.
    pub fn new(policy: Policy) -> Result<Self, ClientError> {
        Self::with_names(policy, Arc::new(SystemNames))
    }

    /// The same, with names from elsewhere.
    ///
    /// # Errors
    /// There is no TLS.
    pub fn with_names(policy: Policy, names: Arc<dyn Names>) -> Result<Self, ClientError> {
        let policy = Arc::new(policy);
        let names = Checked { names, policy };
        // A process that has chosen its cryptography keeps it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .user_agent(concat!("bottega/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(names.clone()))
            .connect_timeout(CONNECT)
            .pool_idle_timeout(IDLE)
            .build()?;
        Ok(Self { http, names })
    }

    /// Checks a URL by its text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn target(&self, text: &str) -> Result<Target, Refusal> {
        Target::parse(text, &self.names.policy)
    }

    /// Checks a URL by its text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, url: Url) -> Result<Target, Refusal> {
        Target::check(url, &self.names.policy)
    }

    /// Looks where a target's name leads at this moment. A name that leads nowhere yet is not refused.
    ///
    /// # Errors
    /// [`Refusal::Private`] when it leads only where it must not.
    pub async fn look(&self, target: &Target) -> Result<(), Refusal> {
        let Some(Host::Domain(name)) = target.url().host() else {
            return Ok(());
        };
        match timeout(CONNECT, self.names.look_up(name)).await {
            Ok(Err(error)) => refusal_in(&error).map_or(Ok(()), Err),
            _ => Ok(()),
        }
    }

    /// A GET of a target.
    pub fn get(&self, target: &Target) -> RequestBuilder {
        self.http.get(target.url().clone())
    }

    /// A POST to a target.
    pub fn post(&self, target: &Target) -> RequestBuilder {
        self.http.post(target.url().clone())
    }

    /// Sends a request of this client and reads the answer within the limits.
    ///
    /// # Errors
    /// No answer came, or it broke off before its headers were whole.
    pub async fn send(&self, request: RequestBuilder, limits: Limits) -> Result<Reply, Failure> {
        let deadline = tokio::time::Instant::now() + limits.time;
        let response = match tokio::time::timeout_at(deadline, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(failure(error)),
            Err(_) => return Err(Failure::Slow(limits.time)),
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = BytesMut::new();
        let reading = read(response, &mut body, limits.body);
        let is_whole = tokio::time::timeout_at(deadline, reading).await;
        Ok(Reply {
            status,
            headers,
            body: body.freeze(),
            is_whole: is_whole.unwrap_or(false),
        })
    }
}

// Whether all of the body came.
async fn read(mut response: Response, body: &mut BytesMut, most: usize) -> bool {
    loop {
        match response.chunk().await {
            Ok(Some(piece)) => {
                let room = most - body.len();
                body.extend_from_slice(&piece[..piece.len().min(room)]);
                if piece.len() > room {
                    return false;
                }
            }
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

// What went wrong down to its cause; without the URL, which may hold somebody's secret.
fn failure(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    if let Some(refusal) = refusal_in(&error) {
        return Failure::Refused(refusal);
    }
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    Failure::Broken(text)
}

fn refusal_in(error: &(dyn std::error::Error + 'static)) -> Option<Refusal> {
    let mut next = Some(error);
    while let Some(error) = next {
        let wrapped = error.downcast_ref::<std::io::Error>();
        let inner = wrapped.and_then(|error| error.get_ref());
        if let Some(refusal) = inner.and_then(|inner| inner.downcast_ref()) {
            return Some(*refusal);
        }
        next = error.source();
    }
    None
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client({})", self.names.policy)
    }
}

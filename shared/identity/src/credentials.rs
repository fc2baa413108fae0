//! A service's own identity for the calls it makes, and what travels with each of them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use contracts::auth::v1::IssueServiceTokenRequest;
use contracts::auth::v1::auth_service_client::AuthServiceClient;
use errors::{Fault, Reason};
use secrecy::{ExposeSecret, SecretString};
use telemetry::{RequestContext, context};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::transport::Channel;
use types::UserId;

/// The metadata in which a service names the user it acts for.
pub const OWNER_METADATA: &str = "x-bottega-owner";
/// The metadata in which a service names that user's plan.
pub const TIER_METADATA: &str = "x-bottega-tier";

const PATIENCE: Duration = Duration::from_secs(3);
// After a failed renewal the old token works on, and auth is left alone for this long.
const RENEW_AGAIN: Duration = Duration::from_secs(5);
// Without any token it is asked again sooner.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// Signs a service's outgoing calls. Cheap to clone; all clones share one token.
#[derive(Clone)]
pub struct Credentials {
    shared: Arc<Shared>,
}

struct Shared {
    service: &'static str,
    auth: AuthServiceClient<Channel>,
    secret: SecretString,
    // Locked while a token is fetched: many callers, one question.
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    token: Option<Token>,
    failed_at: Option<Instant>,
}

struct Token {
    bearer: MetadataValue<Ascii>,
    renew_at: Instant,
    expires_at: Instant,
}

impl Credentials {
    /// The identity of `service` (`gateway`, `file`, `generation`, `usage`), proved to auth with
    /// the suite's secret.
    #[must_use]
    pub fn new(service: &'static str, auth: Channel, secret: SecretString) -> Self {
        Self {
            shared: Arc::new(Shared {
                service,
                auth: AuthServiceClient::new(auth),
                secret,
                held: Mutex::default(),
            }),
        }
    }

    /// A request with everything a call inside the suite carries: the service's token, the owner
    /// it acts for and that owner's plan, the request id, the trace, and what is left of the
    /// current deadline.
    ///
    /// # Errors
    /// `UNAVAILABLE` when auth gives no token, `DEADLINE_EXCEEDED` when no time is left.
    pub async fn request<T>(
        &self,
        owner: Option<(UserId, &str)>,
        message: T,
    ) -> Result<tonic::Request<T>, Fault> {
        let bearer = self.bearer().await?;
        let mut request = tonic::Request::new(message);
        let metadata = request.metadata_mut();
        metadata.insert("authorization", bearer);
        if let Some((user, tier)) = owner {
            insert(metadata, OWNER_METADATA, &user.to_string());
            insert(metadata, TIER_METADATA, tier);
        }
        travel(&mut request)?;
        Ok(request)
    }

    async fn bearer(&self) -> Result<MetadataValue<Ascii>, Fault> {
        let mut held = self.shared.held.lock().await;
        let now = Instant::now();
        if let Some(token) = held.token.as_ref().filter(|token| token.renew_at > now) {
            return Ok(token.bearer.clone());
        }
        // Those who waited for a question that failed do not each wait for one of their own.
        if held.failed_at.is_some_and(|at| now - at < ASK_AGAIN) {
            return Err(Fault::unavailable("the auth service", "asked a moment ago"));
        }
        match self.fetch(now).await {
            Ok(token) => Ok(held.token.insert(token).bearer.clone()),
            Err(fault) => held.keep(fault),
        }
    }

    async fn fetch(&self, now: Instant) -> Result<Token, Fault> {
        let mut auth = self.shared.auth.clone();
        let question = auth.issue_service_token(IssueServiceTokenRequest {
            service: self.shared.service.to_owned(),
            secret: self.shared.secret.expose_secret().to_owned(),
        });
        let answer = match timeout(PATIENCE, question).await {
            Ok(answer) => {
                answer.map_err(|status| Fault::unavailable("the auth service", status))?
            }
            Err(late) => return Err(Fault::unavailable("the auth service", late)),
        };
        let answer = answer.into_inner();
        let life = Duration::from_secs(u64::try_from(answer.expires_in).unwrap_or(0));
        let bearer = MetadataValue::try_from(format!("Bearer {}", answer.access_token))
            .map_err(Fault::internal)?;
        Ok(Token {
            bearer,
            renew_at: now + life.mul_f64(0.8),
            expires_at: now + life,
        })
    }
}

impl Held {
    // A token that has not expired works on while auth gives no new one.
    fn keep(&mut self, fault: Fault) -> Result<MetadataValue<Ascii>, Fault> {
        let now = Instant::now();
        match self.token.as_mut().filter(|token| token.expires_at > now) {
            Some(token) => {
                tracing::warn!(error = %fault, "cannot renew the service token, going on with the old one");
                token.renew_at = now + RENEW_AGAIN;
                Ok(token.bearer.clone())
            }
            None => {
                self.failed_at = Some(now);
                Err(fault)
            }
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("service", &self.shared.service)
            .finish_non_exhaustive()
    }
}

/// Puts the request id, the trace and what is left of the deadline on an outgoing request.
fn travel<T>(request: &mut tonic::Request<T>) -> Result<(), Fault> {
    let current = context::current().unwrap_or_else(RequestContext::fresh);
    insert(request.metadata_mut(), "x-request-id", &current.request_id);
    if let Some(trace) = &current.traceparent {
        insert(request.metadata_mut(), "traceparent", trace);
    }
    match current.time_left() {
        Some(Duration::ZERO) => Err(Fault::new(
            Reason::DeadlineExceeded,
            "the call took longer than its deadline",
        )),
        Some(left) => {
            request.set_timeout(left);
            Ok(())
        }
        None => Ok(()),
    }
}

// What cannot stand in metadata is left out: ids and plans always can.
fn insert(metadata: &mut MetadataMap, name: &'static str, text: &str) {
    if let Ok(value) = MetadataValue::try_from(text) {
        metadata.insert(name, value);
    }
}

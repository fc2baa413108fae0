//! API keys: each is exchanged for an access token by auth, and what auth said is believed for a few
//! seconds. Behind the gateway there are only access tokens.

mod slot;

use std::sync::Arc;
use std::time::{Duration, Instant};

use contracts::auth::v1::ExchangeApiKeyRequest;
use contracts::auth::v1::api_key_service_client::ApiKeyServiceClient;
use errors::{Fault, Reason};
use http::HeaderValue;
use identity::{ApiKey, Caller, Credentials, Verifier};
use moka::sync::Cache;
use tonic::Code;
use tonic::transport::Channel;

use slot::Slot;

/// So many keys are at hand; those that are used the least are asked for again.
const KNOWN: u64 = 10_000;
/// A key nobody uses is forgotten.
const IDLE: Duration = Duration::from_secs(10 * 60);
/// So many keys that are none are remembered; apart, so that they drive out no good ones.
const REFUSED: u64 = 10_000;
/// How long auth has to answer for a key that was never seen.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long, when there is a token to go on with.
const PATIENCE_AGAIN: Duration = Duration::from_millis(500);

/// What stands for an API key.
#[derive(Debug)]
pub(crate) struct Pass {
    /// Who calls, with what the key may do.
    pub(crate) caller: Caller,
    /// The `Authorization` that services are shown.
    pub(crate) authorization: HeaderValue,
}

/// The API keys that were seen.
pub(crate) struct Keys {
    auth: ApiKeyServiceClient<Channel>,
    credentials: Credentials,
    verifier: Verifier,
    /// How long auth's word is believed: a key that was revoked works no longer than this.
    trust: Duration,
    known: Cache<[u8; 32], Arc<Slot>>,
    refused: Cache<[u8; 32], ()>,
}

impl Keys {
    /// None seen yet.
    pub(crate) fn new(
        auth: Channel,
        (credentials, verifier): (Credentials, Verifier),
        trust: Duration,
    ) -> Self {
        Self {
            auth: ApiKeyServiceClient::new(auth),
            credentials,
            verifier,
            trust,
            known: Cache::builder()
                .max_capacity(KNOWN)
                .time_to_idle(IDLE)
                .build(),
            refused: Cache::builder()
                .max_capacity(REFUSED)
                .time_to_live(trust)
                .build(),
        }
    }

    /// What stands for this key. Of many requests with one key, one asks.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` for a key that is none, expired or revoked; `UNAVAILABLE` when auth does not
    /// answer and has given no token that is still good.
    pub(crate) async fn pass(&self, text: &str) -> Result<Arc<Pass>, Fault> {
        // Whatever was mistyped is refused here, without a question.
        let key = ApiKey::parse(text).ok_or_else(refusal)?;
        let digest = key.digest();
        if self.refused.contains_key(&digest) {
            return Err(refusal());
        }
        let slot = self.known.get_with(digest, Arc::default);
        if let Some(pass) = slot.fresh(Instant::now()) {
            return Ok(pass);
        }
        let asking = slot.asking().await;
        // Whoever waited for another's question has its answer.
        if let Some(outcome) = slot.told(Instant::now()) {
            return outcome;
        }
        let now = Instant::now();
        let is_renewal = slot.lasting(now).is_some();
        let outcome = match self.ask(&key, is_renewal).await {
            Ok((pass, life)) => Ok(slot.keep(pass, now + self.trust, now + life)),
            Err(fault) if fault.reason == Reason::NotFound => {
                self.refused.insert(digest, ());
                self.known.invalidate(&digest);
                slot.refuse(refusal())
            }
            Err(fault) => slot.go_on(fault, self.trust),
        };
        drop(asking);
        outcome
    }

    async fn ask(&self, key: &ApiKey, is_renewal: bool) -> Result<(Pass, Duration), Fault> {
        let patience = if is_renewal { PATIENCE_AGAIN } else { PATIENCE };
        let answer = tokio::time::timeout(patience, self.exchange(key)).await;
        answer.unwrap_or_else(|late| Err(Fault::unavailable("the auth service", late)))
    }

    async fn exchange(&self, key: &ApiKey) -> Result<(Pass, Duration), Fault> {
        let message = ExchangeApiKeyRequest {
            key: key.reveal().to_owned(),
        };
        let request = self.credentials.request(None, message).await?;
        let mut auth = self.auth.clone();
        let answer = auth.exchange_api_key(request).await;
        // Only this says that the key is none: a refusal of our own credentials must not.
        let answer = answer.map_err(|status| match status.code() {
            Code::NotFound => Fault::not_found("API key"),
            _ => Fault::unavailable("the auth service", status),
        })?;
        let answer = answer.into_inner();
        let life = u64::try_from(answer.expires_in).unwrap_or(0);
        let text = format!("Bearer {}", answer.access_token);
        let mut authorization = HeaderValue::try_from(text).map_err(Fault::internal)?;
        authorization.set_sensitive(true);
        let verified = self.verifier.verify(&answer.access_token).await;
        let caller = verified.map_err(|fault| Fault::unavailable("the auth service", fault))?;
        let pass = Pass {
            caller,
            authorization,
        };
        Ok((pass, Duration::from_secs(life)))
    }
}

fn refusal() -> Fault {
    Fault::new(
        Reason::Unauthenticated,
        "the API key is unknown, expired or revoked",
    )
}

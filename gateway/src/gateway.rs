//! What every request needs, made once at the start and shared.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use identity::{Credentials, Verifier};
use ipnet::IpNet;
use secrecy::SecretString;
use server::Readiness;
use transcoding::Router;

use crate::budget::Budget;
use crate::cache::Cache;
use crate::endpoint::Endpoints;
use crate::keys::Keys;
use crate::rate::Rates;
use crate::upstream::Peers;

/// The gateway as its requests see it.
pub(crate) struct Gateway {
    pub(crate) router: Router,
    pub(crate) endpoints: Endpoints,
    pub(crate) peers: Peers,
    pub(crate) verifier: Verifier,
    /// The API keys that were seen.
    pub(crate) keys: Keys,
    /// The gateway's own identity, for reservations.
    pub(crate) credentials: Credentials,
    /// What receipts are sealed with.
    pub(crate) secret: SecretString,
    pub(crate) rates: Arc<Rates>,
    pub(crate) limits: Limits,
    pub(crate) budget: Budget,
    pub(crate) cache: Cache,
    /// Who may say which address a request came from.
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) readiness: Readiness,
    /// Tells gRPC clients of the rpcs; none when it is switched off.
    pub(crate) reflection: Option<axum::Router>,
    /// The OpenAPI document, printed.
    pub(crate) openapi: Bytes,
}

/// How much of what is taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) json_bytes: u64,
    pub(crate) upload_bytes: u64,
    /// How long an event stream may be silent before a comment shows that it lives.
    pub(crate) keep_alive: Duration,
    /// How long a request of OpenAI's API waits for its pictures.
    pub(crate) openai_wait: Duration,
}

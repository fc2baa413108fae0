//! Wiring: descriptors become routes, packages become channels, and the layers stand around them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use identity::{Credentials, RemoteKeys, Verifier};
use server::{HttpApp, Readiness, ServeError, Shutdown, Sockets, Tls, TlsError};
use transcoding::{BuildErrors, Options};

use crate::budget::Budget;
use crate::cache::Cache;
use crate::config::Config;
use crate::endpoint::{Endpoints, check_policies, is_routable};
use crate::fixed::{self, watch_peers, watch_rates};
use crate::gateway::{Gateway, Limits};
use crate::keys::Keys;
use crate::layers;
use crate::rate::Rates;
use crate::upstream::Peers;

/// How often callers with their whole allowance are forgotten.
const FORGET: Duration = Duration::from_secs(10);

/// Why the gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The HTTP rules of the contracts cannot be served.
    #[error(transparent)]
    Routes(#[from] BuildErrors),
    /// Rpcs that do not say what they need, or ask for what there is not.
    #[error("the contracts cannot be served:\n  {}", .0.join("\n  "))]
    Contract(Vec<String>),
    /// The address of a service is none.
    #[error("the address of the {name} service cannot be used: {problem}")]
    Peer {
        /// Which service.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The descriptors cannot be told of.
    #[error(transparent)]
    Reflection(#[from] ServeError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The secret that services share is not set.
    #[error("BOTTEGA_SERVICE_SECRET is not set")]
    NoSecret,
}

/// The OpenAPI document of the contracts, as `GET /openapi.json` answers it.
///
/// # Errors
/// Contracts that cannot be served.
pub fn openapi() -> Result<String, StartError> {
    Ok(fixed::openapi::document(&routes()?))
}

fn routes() -> Result<transcoding::Router, StartError> {
    let pool = contracts::pool();
    check_policies(pool)?;
    Ok(transcoding::Router::new(pool, options(), is_routable)?)
}

/// The gateway, ready to serve.
pub struct App {
    config: Config,
    gateway: Gateway,
    tls: Option<Tls>,
}

impl App {
    /// Reads the contracts and prepares the channels. Connects to nothing yet but Redis, if there is
    /// one, which it does not need.
    ///
    /// # Errors
    /// Contracts that cannot be served, addresses that are none.
    pub async fn build(config: Config) -> Result<Self, StartError> {
        let router = routes()?;
        let tls = config.tls.clone().map(Tls::load).transpose()?;
        let peers = Peers::connect(&config.common.peers)?;
        let secret = config
            .common
            .service_secret
            .clone()
            .ok_or(StartError::NoSecret)?;
        let readiness = Readiness::new();
        watch_peers(&readiness, &peers);
        let rates = Arc::new(Rates::open(config.rates.clone()).await);
        watch_rates(&readiness, &rates);
        let endpoints = Endpoints::of(&router, &peers)?;
        let verifier = Verifier::new(RemoteKeys::new(peers.auth.clone()));
        let credentials = Credentials::new("gateway", peers.auth.clone(), secret.clone());
        let gateway = Gateway {
            keys: Keys::new(
                peers.auth.clone(),
                (credentials.clone(), verifier.clone()),
                config.api_key_trust,
            ),
            verifier,
            credentials,
            secret,
            rates,
            limits: Limits {
                json_bytes: config.max_json_bytes,
                upload_bytes: config.max_upload_bytes,
                keep_alive: config.keep_alive,
                openai_wait: config.openai_wait,
            },
            budget: Budget::of(config.max_inflight_bytes),
            cache: Cache::of(config.cache_bytes),
            trusted_proxies: config.trusted_proxies.clone(),
            readiness,
            reflection: reflection(&config, &endpoints)?,
            openapi: Bytes::from(fixed::openapi::document(&router)),
            endpoints,
            router,
            peers,
        };
        Ok(Self {
            config,
            gateway,
            tls,
        })
    }

    /// Serves until `shutdown`.
    ///
    /// # Errors
    /// What the server cannot recover from.
    pub async fn serve(self, sockets: Sockets, shutdown: Shutdown) -> Result<(), ServeError> {
        let Self {
            config,
            gateway,
            tls,
        } = self;
        let readiness = gateway.readiness.clone();
        let gateway = Arc::new(gateway);
        let router = layers::stack(Arc::clone(&gateway), &config);
        let forgetting = tokio::spawn(forget_idle(gateway));
        let served = HttpApp::new("gateway", router, readiness, config.http)
            .with_tls(tls)
            .serve(sockets, shutdown)
            .await;
        forgetting.abort();
        served
    }
}

fn reflection(config: &Config, endpoints: &Endpoints) -> Result<Option<Router>, StartError> {
    if !config.reflection {
        return Ok(None);
    }
    Ok(Some(server::reflection(&endpoints.services())?))
}

/// JSON as frontends want it: whole numbers are numbers, and every field is there.
fn options() -> Options {
    Options {
        json_numbers_for_64_bit: true,
        print_defaults: true,
        ..Options::default()
    }
}

async fn forget_idle(gateway: Arc<Gateway>) {
    let mut timer = tokio::time::interval(FORGET);
    loop {
        timer.tick().await;
        gateway.rates.forget_idle();
        gateway.cache.report();
    }
}

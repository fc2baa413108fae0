//! A gRPC server: services of the contracts behind one list of layers.

mod access;
mod context;
mod guard;
mod health;
mod layers;
mod limit;
mod malformed;
mod record;
mod reflection;
mod reply;
mod rules;
mod shed;
mod survive;
mod task;

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use axum::response::IntoResponse;
use http::Request;
use identity::Verifier;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;
use tower::Service;

use crate::admin::AdminServer;
use crate::link;
use crate::transport::{self, Limits, Protocol};
use crate::{GrpcSettings, Readiness, Shutdown, Sockets};

pub use record::log_cause;
pub use reflection::reflection;
use rules::Rules;

/// A gRPC server.
///
/// Handlers run in a task of their own and survive a client's cancel. They find the caller with
/// `identity::caller_of` and the request's id and deadline with `telemetry::context::current`.
/// Health and reflection (v1 and v1alpha) come by themselves.
pub struct GrpcApp {
    name: &'static str,
    services: Vec<&'static str>,
    routes: Routes,
    verifier: Verifier,
    readiness: Readiness,
    settings: GrpcSettings,
}

/// The server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A service that `contracts` does not know.
    #[error("the service {0} is in no contract")]
    UnknownService(String),
    /// Rpcs whose contract does not say who may call them.
    #[error("these rpcs carry no (bottega.policy.v1.policy) with an access: {}", .0.join(", "))]
    NoPolicy(Vec<String>),
    /// The descriptors cannot be served.
    #[error("reflection cannot be built")]
    Reflection(#[source] tonic_reflection::server::Error),
}

/// What the layers share.
pub(crate) struct Shared {
    pub(crate) rules: Rules,
    pub(crate) verifier: Verifier,
    pub(crate) settings: GrpcSettings,
    /// Places for calls.
    pub(crate) calls: Arc<Semaphore>,
    /// Places for event streams.
    pub(crate) watches: Arc<Semaphore>,
    /// Handlers at work, whether or not somebody still waits for them.
    pub(crate) handlers: TaskTracker,
    pub(crate) shutdown: Shutdown,
    /// Thrown shortly before the drain ends: whatever is left answers `UNAVAILABLE`.
    pub(crate) last_call: CancellationToken,
}

impl GrpcApp {
    /// A server without services. `name` labels its metrics.
    #[must_use]
    pub fn new(
        name: &'static str,
        verifier: Verifier,
        readiness: Readiness,
        settings: GrpcSettings,
    ) -> Self {
        Self {
            name,
            services: Vec::new(),
            routes: Routes::default(),
            verifier,
            readiness,
            settings,
        }
    }

    /// Adds a service: a `XServer<T>` as tonic generates it. It takes messages up to 4 MiB unless
    /// told otherwise: `XServer::new(x).max_decoding_message_size(n).max_encoding_message_size(m)`.
    #[must_use]
    #[expect(
        clippy::should_implement_trait,
        reason = "it adds a service, not a number"
    )]
    pub fn add<S>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Response: IntoResponse,
        S::Future: Send + 'static,
    {
        self.services.push(S::NAME);
        self.routes = self.routes.add_service(service);
        self
    }

    /// Serves until the switch is thrown, then: not ready, no new connections, event streams end
    /// with `UNAVAILABLE`, calls finish; whatever is left when the drain is over is cut.
    ///
    /// # Errors
    /// An rpc carries no policy; nothing was served then.
    pub async fn serve(self, sockets: Sockets, shutdown: Shutdown) -> Result<(), ServeError> {
        let settings = self.settings;
        let rules = Rules::of(&self.services, settings.reflection)?;
        let (health, health_service) = health::service(&self.services);
        let mut routes = self.routes.add_service(health_service);
        if settings.reflection {
            routes = reflection::add(routes, &self.services).map_err(ServeError::Reflection)?;
        }
        let limits = limits(self.name, &settings);
        let shared = Arc::new(Shared {
            rules,
            verifier: self.verifier,
            calls: Arc::new(Semaphore::new(settings.max_concurrent)),
            watches: Arc::new(Semaphore::new(settings.max_watches)),
            settings,
            handlers: TaskTracker::new(),
            shutdown: shutdown.clone(),
            last_call: CancellationToken::new(),
        });
        let router = layers::apply(routes.prepare().into_axum_router(), &shared);
        let _listed = sockets
            .is_near()
            .then(|| link::list(&sockets, &router, &shutdown));
        let admin = AdminServer::start(sockets.admin, self.readiness.clone(), shutdown.clone());
        health.update(&self.readiness).await;
        let health = tokio::spawn(health.follow(self.readiness, shutdown.clone()));
        let caller = tokio::spawn(call_last(Arc::clone(&shared)));
        tracing::info!(server = self.name, "serving");
        transport::serve(sockets.traffic, router, limits, None, shutdown.clone()).await;
        finish_handlers(&shared).await;
        tracing::info!(server = self.name, "stopped");
        health.abort();
        caller.abort();
        admin.stop().await;
        Ok(())
    }
}

impl fmt::Debug for GrpcApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrpcApp")
            .field("name", &self.name)
            .field("services", &self.services)
            .finish_non_exhaustive()
    }
}

fn limits(name: &'static str, settings: &GrpcSettings) -> Limits {
    Limits {
        name,
        protocol: Protocol::Http2,
        handshake: settings.handshake,
        idle: settings.idle,
        body: None,
        write: settings.write_timeout,
        keepalive: settings.keepalive,
        max_connections: settings.max_connections,
        max_per_address: None,
        max_streams: settings.max_streams,
    }
}

// A tenth of the drain is left for the answers to travel.
async fn call_last(shared: Arc<Shared>) {
    shared.shutdown.triggered().await;
    sleep(shared.shutdown.drain().mul_f64(0.9)).await;
    shared.last_call.cancel();
}

// Handlers whose client left may still be at work.
async fn finish_handlers(shared: &Shared) {
    shared.handlers.close();
    tokio::select! {
        () = shared.handlers.wait() => {}
        () = shared.last_call.cancelled() => {
            let left = shared.handlers.len();
            if left > 0 {
                tracing::warn!(handlers.left = left, "the drain is over, handlers are still at work");
            }
        }
    }
}

//! An HTTP server: an axum router behind the suite's own accept loop.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use futures::FutureExt;

use crate::admin::AdminServer;
use crate::transport::{self, Limits, Protocol};
use crate::{HttpSettings, Readiness, ServeError, Shutdown, Sockets, Tls};

const KEEPALIVE: Duration = Duration::from_secs(20);

/// An HTTP server.
///
/// Handlers find the peer in `Extension<ConnectInfo<SocketAddr>>` (or axum's `ConnectInfo`
/// extractor) and the switch that stops the server in `Extension<Shutdown>`: an endless response
/// must end itself when it is thrown. A handler is dropped when its client leaves. A body that
/// stops arriving fails with [`crate::BodyStalled`].
#[derive(Debug)]
pub struct HttpApp {
    name: &'static str,
    router: Router,
    readiness: Readiness,
    settings: HttpSettings,
    tls: Option<Tls>,
}

impl HttpApp {
    /// A server of this router. `name` labels its metrics.
    #[must_use]
    pub fn new(
        name: &'static str,
        router: Router,
        readiness: Readiness,
        settings: HttpSettings,
    ) -> Self {
        Self {
            name,
            router,
            readiness,
            settings,
            tls: None,
        }
    }

    /// The same, encrypted when there is a certificate.
    #[must_use]
    pub fn with_tls(self, tls: Option<Tls>) -> Self {
        Self { tls, ..self }
    }

    /// Serves until the switch is thrown, then finishes what is under way, at most as long as the
    /// switch says.
    ///
    /// # Errors
    /// None today; servers share one signature.
    pub async fn serve(self, sockets: Sockets, shutdown: Shutdown) -> Result<(), ServeError> {
        let admin = AdminServer::start(sockets.admin, self.readiness, shutdown.clone());
        let limits = Limits {
            name: self.name,
            protocol: Protocol::Any,
            handshake: self.settings.header_timeout,
            idle: self.settings.idle_timeout,
            body: Some(self.settings.body_timeout),
            write: self.settings.write_timeout,
            keepalive: KEEPALIVE,
            max_connections: self.settings.max_connections,
            max_per_address: Some(self.settings.max_per_address),
            max_streams: self.settings.max_streams,
        };
        let router = self
            .router
            .layer(Extension(shutdown.clone()))
            .layer(from_fn(survive_panic));
        tracing::info!(server = self.name, "serving");
        let watching = self.tls.clone().map(|tls| tokio::spawn(tls.follow()));
        transport::serve(sockets.traffic, router, limits, self.tls, shutdown).await;
        if let Some(watching) = watching {
            watching.abort();
        }
        tracing::info!(server = self.name, "stopped");
        admin.stop().await;
        Ok(())
    }
}

// The last guard: one request's panic is that request's failure and nobody else's.
async fn survive_panic(request: Request, next: Next) -> Response {
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            tracing::error!(panic = panic_message(&*panic), "a handler panicked");
            let body = r#"{"error":{"code":500,"status":"INTERNAL","message":"internal error"}}"#;
            let kind = [(header::CONTENT_TYPE, "application/json")];
            (StatusCode::INTERNAL_SERVER_ERROR, kind, body).into_response()
        }
    }
}

/// What a panic said, if it said it in words.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

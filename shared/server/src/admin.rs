//! The admin server: whether the process lives, whether it can work, and its numbers.

use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use telemetry::{MetricsHandle, metrics_handle};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::readiness::{Health, Readiness, Report};
use crate::transport::{self, Limits, Protocol};
use crate::{HttpSettings, Shutdown};

// Nobody waits for a long answer here.
const DRAIN: Duration = Duration::from_secs(1);
const UPKEEP: Duration = Duration::from_secs(5);

#[derive(Clone)]
struct Admin {
    readiness: Readiness,
    /// The switch of the traffic beside it.
    traffic: Shutdown,
    metrics: MetricsHandle,
}

/// Serves until `stop` is called, which is after the traffic has drained.
pub(crate) struct AdminServer {
    shutdown: Shutdown,
    server: JoinHandle<()>,
    upkeep: JoinHandle<()>,
}

impl AdminServer {
    pub(crate) fn start(listener: TcpListener, readiness: Readiness, traffic: Shutdown) -> Self {
        let metrics = metrics_handle();
        let upkeep = tokio::spawn(keep_up(metrics.clone()));
        let router = Router::new()
            .route("/healthz", get(healthz))
            .route("/readyz", get(readyz))
            .route("/metrics", get(render_metrics))
            .with_state(Admin {
                readiness,
                traffic,
                metrics,
            });
        let shutdown = Shutdown::new(DRAIN);
        let serving = transport::serve(listener, router, limits(), None, shutdown.clone());
        Self {
            shutdown,
            server: tokio::spawn(serving),
            upkeep,
        }
    }

    pub(crate) async fn stop(self) {
        self.upkeep.abort();
        self.shutdown.trigger();
        // It ends within its own drain; a panic in it was reported where it happened.
        let _ = self.server.await;
    }
}

fn limits() -> Limits {
    let http = HttpSettings::default();
    Limits {
        name: "admin",
        protocol: Protocol::Any,
        handshake: http.header_timeout,
        idle: http.idle_timeout,
        body: Some(http.body_timeout),
        write: http.write_timeout,
        keepalive: http.idle_timeout,
        max_connections: 256,
        max_per_address: None,
        max_streams: 32,
    }
}

async fn keep_up(metrics: MetricsHandle) {
    let mut ticks = interval(UPKEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        metrics.upkeep();
    }
}

// Alive is who answers. A dependency's trouble is no reason to be restarted.
async fn healthz() -> &'static str {
    "ok\n"
}

#[derive(Serialize)]
struct Ready {
    #[serde(flatten)]
    report: Report,
    draining: bool,
}

async fn readyz(State(admin): State<Admin>) -> Response {
    let mut report = admin.readiness.report().await;
    let draining = admin.traffic.is_triggered();
    if draining {
        report.status = Health::Unhealthy;
    }
    let status = if report.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(Ready { report, draining })).into_response()
}

async fn render_metrics(State(admin): State<Admin>) -> Response {
    let kind = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    (kind, admin.metrics.render()).into_response()
}

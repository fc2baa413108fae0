//! Whether the services behind the gateway answer, and its Redis.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use futures::FutureExt;
use http::StatusCode;
use server::{Link, Readiness};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::json_page;
use crate::gateway::Gateway;
use crate::rate::Rates;
use crate::upstream::Peers;

/// How long a service may take to say that it serves.
const PATIENCE: Duration = Duration::from_millis(800);

/// Makes every service a dependency of this process.
pub(crate) fn watch_peers(readiness: &Readiness, peers: &Peers) {
    for peer in peers.iter() {
        let link = peer.link.clone();
        readiness.check(peer.name, move || ask(link.clone()).boxed());
    }
}

/// Makes Redis a dependency, if there is one: without it, limits hold for each process alone.
pub(crate) fn watch_rates(readiness: &Readiness, rates: &Arc<Rates>) {
    if !rates.is_shared() {
        return;
    }
    let rates = Arc::clone(rates);
    readiness.check_optional("redis", move || {
        let whole = rates.is_whole();
        let answer = whole.then_some(()).ok_or("does not answer".to_owned());
        ready(answer).boxed()
    });
}

async fn ask(link: Link) -> Result<(), String> {
    let mut health = HealthClient::new(link);
    let answer = tokio::time::timeout(PATIENCE, health.check(HealthCheckRequest::default())).await;
    let answer = answer.map_err(|_| "did not answer in time".to_owned())?;
    // The transport's words name hosts; readiness is public.
    let answer = answer.map_err(|status| format!("does not answer: {}", status.code()))?;
    match answer.into_inner().status() {
        ServingStatus::Serving => Ok(()),
        other => Err(format!("says {}", other.as_str_name())),
    }
}

/// 200 with each service, or 503 when one is away.
pub(super) async fn readiness(gateway: &Gateway) -> Response {
    let report = gateway.readiness.report().await;
    let status = if report.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = serde_json::to_vec(&report).unwrap_or_default();
    json_page(status, body)
}

//! The gRPC health service (grpc.health.v1), which says what readiness says.

use std::time::Duration;

use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::server::{HealthReporter, health_reporter};

use crate::{Readiness, Shutdown};

const EVERY: Duration = Duration::from_secs(2);

/// Tells the health service how the process is.
pub(super) struct Reporter {
    reporter: HealthReporter,
    // The empty name is the whole server.
    names: Vec<&'static str>,
}

pub(super) fn service(services: &[&'static str]) -> (Reporter, HealthServer<impl Health>) {
    let (reporter, server) = health_reporter();
    let names = services.iter().copied().chain([""]).collect();
    (Reporter { reporter, names }, server)
}

impl Reporter {
    /// Tells how the process is now.
    pub(super) async fn update(&self, readiness: &Readiness) {
        let status = match readiness.report().await.is_ready() {
            true => ServingStatus::Serving,
            false => ServingStatus::NotServing,
        };
        self.set(status).await;
    }

    /// Goes on telling, until the switch is thrown: then nobody shall come any more.
    pub(super) async fn follow(self, readiness: Readiness, shutdown: Shutdown) {
        let told = async {
            loop {
                tokio::time::sleep(EVERY).await;
                self.update(&readiness).await;
            }
        };
        tokio::select! {
            () = told => {}
            () = shutdown.triggered() => {}
        }
        self.set(ServingStatus::NotServing).await;
    }

    async fn set(&self, status: ServingStatus) {
        for name in &self.names {
            self.reporter.set_service_status(name, status).await;
        }
    }
}

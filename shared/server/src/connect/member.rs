//! One process of a service, and how it is.

use std::error::Error;
use std::time::Duration;

use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// How long it may take to say how it is; twice in a row it may not.
const PATIENCE: Duration = Duration::from_secs(2);

/// How a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Serving,
    /// It answers, and says that it does not serve.
    Refusing,
    Away,
}

/// One process.
pub(super) struct Member {
    /// The place it was found at.
    pub(super) place: usize,
    pub(super) endpoint: Endpoint,
    pub(super) state: State,
    /// A connection of its own: how calls fare has nothing to say about how it is.
    probe: Channel,
    misses: u32,
}

impl Member {
    pub(super) fn new(place: usize, endpoint: Endpoint) -> Self {
        Self {
            place,
            probe: endpoint.connect_lazy(),
            endpoint,
            // Until it is known better.
            state: State::Serving,
            misses: 0,
        }
    }

    /// Asks it; none when it does not say in time.
    pub(super) fn look(&self) -> impl Future<Output = Option<State>> + use<> {
        let probe = self.probe.clone();
        async move { timeout(PATIENCE, ask(probe)).await.ok() }
    }

    /// Takes up what a look brought.
    pub(super) fn note(&mut self, seen: Option<State>) {
        let before = self.state;
        match seen {
            Some(state) => {
                self.state = state;
                self.misses = 0;
            }
            None => {
                self.misses += 1;
                if self.misses > 1 {
                    self.state = State::Away;
                }
            }
        }
        let address = self.endpoint.uri();
        if before == self.state {
            return;
        }
        match self.state {
            State::Serving => tracing::info!(peer.address = %address, "a process serves again"),
            State::Refusing => tracing::warn!(peer.address = %address, "a process does not serve"),
            State::Away => tracing::warn!(peer.address = %address, "a process does not answer"),
        }
    }

    /// Whether nothing speaks against it.
    pub(super) fn is_well(&self) -> bool {
        self.state == State::Serving && self.misses == 0
    }
}

// Twice: the first may have met a connection that was lost long ago.
async fn ask(probe: Channel) -> State {
    let mut health = HealthClient::new(probe);
    for _ in 0..2 {
        match health.check(HealthCheckRequest::default()).await {
            Ok(answer) if answer.get_ref().status() == ServingStatus::NotServing => {
                return State::Refusing;
            }
            Ok(_) => return State::Serving,
            // Whoever answers is there, also without this service.
            Err(status) if status.source().is_none() => return State::Serving,
            Err(_) => {}
        }
    }
    State::Away
}

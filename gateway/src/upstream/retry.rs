//! Whether a call that met nobody is made once more: when that does no harm, and while few are.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use tonic::{ConnectError, Status};
use tower::retry::budget::{Budget, TpsBudget};

use super::{Deadline, Peer};

/// Over this time one call in ten may be made once more, and besides one each second.
const WINDOW: Duration = Duration::from_secs(10);
const PART: f32 = 0.1;
const EACH_SECOND: u32 = 1;

/// How many calls to a service may be made once more: if most fail, trying again makes it worse.
pub(crate) struct Retries {
    peer: &'static str,
    budget: TpsBudget,
}

impl Retries {
    pub(super) fn new(peer: &'static str) -> Self {
        Self {
            peer,
            budget: TpsBudget::new(WINDOW, EACH_SECOND, PART),
        }
    }

    /// Notes that a call is made.
    pub(super) fn count(&self) {
        self.budget.deposit();
    }

    fn take(&self) -> bool {
        let may = self.budget.withdraw();
        let outcome = if may { "made" } else { "over_budget" };
        metrics::counter!("bottega_gateway_retries_total", "peer" => self.peer, "outcome" => outcome)
            .increment(1);
        may
    }
}

impl fmt::Debug for Retries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retries").field("peer", &self.peer).finish()
    }
}

/// How a call met nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    /// There was no connection to send it over.
    Unsent,
    /// It may have arrived.
    Unknown,
}

/// Whether a call that failed like this is to be made once more. Waits until it is known who is there.
pub(crate) async fn goes_again(
    peer: &Peer,
    deadline: Deadline,
    is_repeatable: bool,
    status: &Status,
) -> bool {
    let Some(loss) = loss_of(status) else {
        return false;
    };
    let does_no_harm = is_repeatable || loss == Loss::Unsent;
    if !does_no_harm || !peer.retries.take() {
        peer.standing.suspect();
        return false;
    }
    let looked = deadline.limit(peer.standing.look_again()).await;
    looked.is_some() && !deadline.is_past()
}

/// How it was lost, when no service answered at all.
fn loss_of(status: &Status) -> Option<Loss> {
    let mut loss = None;
    let mut next = status.source();
    while let Some(error) = next {
        if error.is::<ConnectError>() {
            return Some(Loss::Unsent);
        }
        if error.is::<tonic::TimeoutExpired>() {
            return None;
        }
        if error.is::<tonic::transport::Error>() {
            loss = Some(Loss::Unknown);
        }
        next = error.source();
    }
    loss
}

#[cfg(test)]
mod tests {
    use errors::Fault;
    use tonic::transport::Channel;
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_client::HealthClient;

    use super::*;

    #[tokio::test]
    async fn what_no_service_answered_is_lost() {
        // Nobody listens on port 1.
        let nobody = Channel::from_static("http://127.0.0.1:1").connect_lazy();
        let mut health = HealthClient::new(nobody);
        let refused = health.check(HealthCheckRequest::default()).await;
        assert_eq!(loss_of(&refused.unwrap_err()), Some(Loss::Unsent));
        assert_eq!(loss_of(&Status::unavailable("said by a service")), None);
        let ours = Status::from(Fault::unavailable("a service", "whatever"));
        assert_eq!(loss_of(&ours), None);
        let late = Status::from_error(Box::new(tonic::TimeoutExpired(())));
        assert_eq!(loss_of(&late), None);
    }

    #[test]
    fn of_many_calls_few_are_made_once_more() {
        let retries = Retries::new("file");
        for _ in 0..1_000 {
            retries.count();
        }
        let taken = (0..1_000).filter(|_| retries.take()).count();
        assert!((100..=120).contains(&taken), "{taken}");
    }
}

//! Sends events to webhooks: in rounds, each to one webhook, which nobody else sends to meanwhile.

use std::sync::Arc;
use std::time::Duration;

use server::Shutdown;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use types::Clock;

use crate::domain::error::Error;
use crate::domain::signals::Signals;
use crate::domain::webhook::ports::{Courier, Lane, Letter, Mail, Round};
use crate::domain::webhook::secret::Locksmith;
use crate::domain::webhook::verdict::{Outcome, Standing};

// Bells that ring so soon after each other are answered together.
const GATHER: Duration = Duration::from_millis(20);
const POLL: Duration = Duration::from_millis(500);
// Rounds at once. Those to failing webhooks may each take an attempt's whole time, so they have their
// own places, and however many fail, the others go on.
const SOUND: usize = 24;
const FAILING: usize = 8;
/// A round takes no new event after this,
const ROUND: Duration = Duration::from_secs(30);
/// and a process that dies in one gives it back after this: a round and a whole attempt are shorter.
const LEASE: Duration = Duration::from_secs(60);
const TIDY: Duration = Duration::from_hours(1);
/// What could not be sent for so long is given up;
const STALE: Duration = Duration::from_hours(4 * 24);
/// what ended so long ago is forgotten.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// Sends events.
#[derive(Clone)]
pub struct Postman {
    /// Where they are kept.
    pub mail: Arc<dyn Mail>,
    /// The way out.
    pub courier: Arc<dyn Courier>,
    /// Who knows what they are signed with.
    pub locksmith: Locksmith,
    /// Who tells that there is something to send.
    pub signals: Arc<Signals>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Postman {
    /// Sends until the switch is thrown; attempts under way then have half of the drain to end. What
    /// is cut off is sent again by whoever comes next.
    pub async fn run(self, shutdown: Shutdown) {
        let lanes = async {
            tokio::join!(
                self.lane(Lane::Sound, SOUND, &shutdown),
                self.lane(Lane::Failing, FAILING, &shutdown),
                self.tidying(&shutdown),
            )
        };
        let too_late = async {
            shutdown.triggered().await;
            sleep(shutdown.drain().mul_f64(0.5)).await;
        };
        tokio::select! {
            _ = lanes => {}
            () = too_late => {}
        }
    }

    async fn lane(&self, lane: Lane, places: usize, shutdown: &Shutdown) {
        let free = Arc::new(Semaphore::new(places));
        // With the lane its rounds end.
        let mut rounds = JoinSet::new();
        let mut taken = Vec::new();
        let mut bell = self.signals.wait_for_mail();
        while !shutdown.is_triggered() {
            while rounds.try_join_next().is_some() {}
            let limit = free.available_permits();
            if limit > 0 {
                let found = self.mail.take(lane, limit as u64, LEASE).await;
                taken = found.unwrap_or_else(|error| {
                    tracing::warn!(error = %error, "could not look for webhooks to tell");
                    Vec::new()
                });
            }
            let has_more = limit > 0 && taken.len() == limit;
            for round in taken.drain(..) {
                let place = Arc::clone(&free).try_acquire_owned();
                let (own, shutdown) = (self.clone(), shutdown.clone());
                rounds.spawn(async move {
                    own.go(&round, &shutdown).await;
                    drop(place);
                });
            }
            if !has_more {
                tokio::select! {
                    () = shutdown.triggered() => {}
                    () = bell.changed() => sleep(GATHER).await,
                    () = sleep(POLL) => {}
                }
            }
        }
        while rounds.join_next().await.is_some() {}
    }

    async fn go(&self, round: &Round, shutdown: &Shutdown) {
        let outcome = match self.send_due(round, shutdown).await {
            Ok(rest) => self.mail.leave(round, rest).await,
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            tracing::warn!(
                webhook.id = %round.webhook,
                error = %error,
                "a round to a webhook broke off"
            );
        }
    }

    // One event after the other, until none is due, one fails, or time is up; then for how long nothing
    // is sent there.
    async fn send_due(&self, round: &Round, shutdown: &Shutdown) -> Result<Duration, Error> {
        let end = Instant::now() + ROUND;
        while Instant::now() < end && !shutdown.is_triggered() {
            let Some((webhook, mut delivery)) = self.mail.next(round).await? else {
                break;
            };
            delivery.tries = delivery.tries.saturating_add(1);
            let now = self.clock.now();
            let secrets = self.locksmith.secrets(&webhook, now);
            let letter = Letter {
                url: &webhook.url,
                secrets: &secrets,
                delivery: &delivery,
                now,
            };
            let outcome = self.courier.send(&letter).await;
            let now = self.clock.now();
            let standing = Standing::after(&webhook, &outcome, now);
            let recorded = self.mail.record(&delivery, &outcome, &standing, now);
            recorded.await?;
            count(&outcome);
            if let Some(reason) = standing.disabled {
                tracing::info!(webhook.id = %webhook.id, reason, "a webhook is disabled");
            }
            if !standing.rest.is_zero() {
                return Ok(standing.rest);
            }
        }
        Ok(Duration::ZERO)
    }

    async fn tidying(&self, shutdown: &Shutdown) {
        while !shutdown.is_triggered() {
            if let Err(error) = self.mail.tidy(self.clock.now(), STALE, KEPT).await {
                tracing::warn!(error = %error, "the log of webhooks could not be tidied");
            }
            tokio::select! {
                () = shutdown.triggered() => {}
                () = sleep(TIDY) => {}
            }
        }
    }
}

fn count(outcome: &Outcome) {
    let outcome = match outcome {
        Outcome::Taken => "taken",
        Outcome::Failed { again: Some(_), .. } => "failed",
        Outcome::Failed { again: None, .. } => "given_up",
    };
    metrics::counter!("generation_webhook_attempts_total", "outcome" => outcome).increment(1);
}

//! The clockwork that looks after the books: months of the ledger, the brake on spending, comparing
//! the books, sending alerts. Every process has one; what must be done once is done by whoever is
//! first.

mod settings;

use std::sync::Arc;
use std::time::Duration;

use server::Shutdown;
use tokio::time::MissedTickBehavior;
use types::Clock;

pub use settings::CareSettings;

use crate::domain::alerts::Alerts;
use crate::domain::error::Error;
use crate::domain::reconcile::{Audits, Verdict};
use crate::domain::retention::{Months, kept_from, months_ahead};
use crate::domain::spending::Brake;

const MONTHS_EVERY: Duration = Duration::from_hours(1);
const WATCH_EVERY: Duration = Duration::from_secs(10);
const SEND_EVERY: Duration = Duration::from_secs(1);
// Every process says what the last comparison came to, whoever made it.
const VERDICT_EVERY: Duration = Duration::from_mins(1);

/// Looks after the books.
pub struct Caretaker {
    /// The months of the ledger.
    pub months: Arc<dyn Months>,
    /// The brake on spending.
    pub brake: Brake,
    /// Alerts to send.
    pub alerts: Alerts,
    /// Compares the books.
    pub audits: Audits,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// What it is told.
    pub settings: CareSettings,
}

impl Caretaker {
    /// Does what must be done before anybody is served: makes room in the ledger. Without it, rows go
    /// to the default table, so a failure is no reason not to serve.
    pub async fn prepare(&self) {
        log("months", self.care_for_months().await);
    }

    /// Looks after the books until the process shuts down.
    pub async fn run(self, shutdown: Shutdown) {
        let verdict_every = VERDICT_EVERY.min(self.settings.reconcile_interval);
        tokio::join!(
            every(MONTHS_EVERY, &shutdown, || async {
                log("months", self.care_for_months().await);
                log("minutes", self.brake.forget().await);
            }),
            every(WATCH_EVERY, &shutdown, || async {
                match self.brake.watch().await {
                    Ok(true) => tracing::error!("spending is unusually fast: paid work is paused"),
                    outcome => log("breaker", outcome.map(|_| ())),
                }
            }),
            every(verdict_every, &shutdown, || async {
                let verdict = self.audits.run(self.settings.reconcile_interval).await;
                log("reconcile", verdict.map(show));
            }),
            every(SEND_EVERY, &shutdown, || async {
                log("alerts", self.alerts.deliver().await.map(|_| ()));
            }),
        );
    }

    async fn care_for_months(&self) -> Result<(), Error> {
        let now = self.clock.now();
        self.months.make(&months_ahead(now)).await?;
        if self.settings.keep_months > 0 {
            let kept = kept_from(now, self.settings.keep_months);
            self.months.retire(kept).await?;
        }
        Ok(())
    }
}

fn show(verdict: Option<Verdict>) {
    let Some(verdict) = verdict else { return };
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a double")]
    let (differences, imbalance) = (verdict.differences as f64, verdict.imbalance as f64);
    metrics::gauge!("usage_reconcile_differences").set(differences);
    metrics::gauge!("usage_ledger_imbalance_microusd").set(imbalance);
}

async fn every<F: Future<Output = ()>>(
    interval: Duration,
    shutdown: &Shutdown,
    work: impl Fn() -> F,
) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.triggered() => return,
            _ = ticks.tick() => {}
        }
        // What is under way when the process stops is done again by the next one.
        tokio::select! {
            () = shutdown.triggered() => return,
            () = work() => {}
        }
    }
}

fn log(chore: &'static str, outcome: Result<(), Error>) {
    if let Err(error) = outcome {
        metrics::counter!("usage_chores_failed_total", "chore" => chore).increment(1);
        tracing::warn!(
            chore,
            error = &error as &dyn std::error::Error,
            "chore failed, trying again later"
        );
    }
}

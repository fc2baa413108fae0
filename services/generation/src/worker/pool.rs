//! The workers: claim what is due, do it, keep its lease, and let go in time when the process stops.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use server::Shutdown;
use telemetry::RequestContext;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{WorkSettings, heartbeat};
use crate::domain::error::Error;
use crate::domain::lease::Lease;
use crate::domain::off_peak::OffPeak;
use crate::domain::ports::Claimed;
use crate::domain::queue::Bounds;
use crate::domain::studio::Studio;

// While so long, places that become free are gathered.
const GATHER: Duration = Duration::from_millis(2);
// What a task that is given back, or breaks, may take to be written down.
const LAST_WRITE: Duration = Duration::from_secs(5);

/// The workers of one process.
pub struct Pool {
    studio: Arc<Studio>,
    settings: WorkSettings,
    off_peak: Option<OffPeak>,
    name: String,
    places: Arc<Semaphore>,
    running: TaskTracker,
    halt: CancellationToken,
}

enum Turn {
    Done(Result<(), Error>),
    Broken,
    Lost,
    Halted,
}

impl Pool {
    /// Workers that have not begun; `name` says in the database which process they are.
    #[must_use]
    pub fn new(
        studio: Arc<Studio>,
        settings: WorkSettings,
        off_peak: Option<OffPeak>,
        name: String,
    ) -> Self {
        Self {
            studio,
            settings,
            off_peak,
            name,
            places: Arc::new(Semaphore::new(settings.workers)),
            running: TaskTracker::new(),
            halt: CancellationToken::new(),
        }
    }

    /// Works until the switch is thrown; then takes nothing more, lets what is under way finish
    /// for three quarters of the drain, and gives the rest back.
    pub async fn run(self, shutdown: Shutdown) {
        let pool = Arc::new(self);
        tokio::select! {
            () = shutdown.triggered() => {}
            () = pool.clone().claim_forever() => {}
        }
        pool.running.close();
        let patience = shutdown.drain().mul_f64(0.75);
        if tokio::time::timeout(patience, pool.running.wait())
            .await
            .is_err()
        {
            tracing::info!(tasks = pool.running.len(), "giving tasks back");
            pool.halt.cancel();
            let rest = shutdown.drain().mul_f64(0.15);
            // Whatever is not written by then, another worker finds when the lease runs out.
            let _ = tokio::time::timeout(rest, pool.running.wait()).await;
        }
    }

    async fn claim_forever(self: Arc<Self>) {
        loop {
            let places = self.free_places().await;
            let wanted = places.len();
            match Arc::clone(&self).claim(places).await {
                // As many as were wanted: there may be more.
                Ok(taken) if taken == wanted => {}
                Ok(_) => self.pause().await,
                Err(error) => {
                    tracing::warn!(error = %error, "could not look for work");
                    tokio::time::sleep(self.settings.poll).await;
                }
            }
        }
    }

    // Waits for one free place, and takes the others that are free as well. While most are taken, more
    // become free in a moment, and one claim is made for all.
    async fn free_places(&self) -> Vec<OwnedSemaphorePermit> {
        let mut places = Vec::new();
        // The semaphore is never closed.
        places.extend(self.places.clone().acquire_owned().await.ok());
        if self.places.available_permits() < self.settings.workers / 8 {
            tokio::time::sleep(GATHER).await;
        }
        while let Ok(place) = self.places.clone().try_acquire_owned() {
            places.push(place);
        }
        places
    }

    // In a task of its own: a claim that is committed must be worked at, not dropped.
    async fn claim(self: Arc<Self>, places: Vec<OwnedSemaphorePermit>) -> Result<usize, Error> {
        let running = self.running.clone();
        let claiming = running.spawn(async move {
            let asked_at = Instant::now();
            let bounds = self.bounds();
            let wanted = u64::try_from(places.len()).unwrap_or(1);
            let span = self.settings.lease;
            let claimed = (self.studio.work)
                .claim(&self.name, wanted, span, &bounds)
                .await?;
            let taken = claimed.len();
            for (task, place) in claimed.into_iter().zip(places) {
                let lease = Lease::new(asked_at, span);
                let pool = Arc::clone(&self);
                self.running.spawn(async move {
                    pool.work(task, lease).await;
                    drop(place);
                });
            }
            Ok(taken)
        });
        claiming.await.unwrap_or(Ok(0))
    }

    fn bounds(&self) -> Bounds {
        let avoid = match self.studio.pause.is_fresh() {
            true => self.studio.catalog.paid().collect(),
            false => Vec::new(),
        };
        let max_running = self.settings.max_running;
        let now = self.studio.clock.now();
        Bounds {
            off_peak_from: (self.off_peak).and_then(|one| one.window.closed_until(now)),
            avoid,
            per_owner: (max_running > 0).then_some(max_running),
            per_provider: self.studio.catalog.limits(),
        }
    }

    async fn pause(&self) {
        tokio::select! {
            () = self.studio.signals.wait_for_work() => {}
            () = tokio::time::sleep(self.settings.poll) => {}
        }
    }

    async fn work(&self, task: Claimed, lease: Lease) {
        let id = task.claim.task;
        // A task's calls to other services carry its id, so that their logs can be found.
        let context = RequestContext {
            request_id: id.to_string(),
            deadline: None,
            traceparent: None,
        };
        metrics::gauge!("generation_tasks_running").increment(1.0);
        let begun = Instant::now();
        self.studio.signals.changed(id);
        self.studio.signals.begin(id, lease.clone());
        telemetry::context::scope(context, self.turn(&task, &lease)).await;
        self.studio.signals.done(id);
        metrics::gauge!("generation_tasks_running").decrement(1.0);
        metrics::histogram!("generation_task_seconds").record(begun.elapsed().as_secs_f64());
    }

    async fn turn(&self, task: &Claimed, lease: &Lease) {
        let perform = AssertUnwindSafe(self.studio.perform(task, lease)).catch_unwind();
        let keep = heartbeat::keep(&*self.studio.work, task.claim, lease, self.settings.lease);
        let turn = tokio::select! {
            biased;
            () = lease.lost() => Turn::Lost,
            () = keep => Turn::Lost,
            () = self.halt.cancelled() => Turn::Halted,
            done = perform => done.map_or(Turn::Broken, Turn::Done),
        };
        let outcome = match turn {
            Turn::Lost | Turn::Done(Err(Error::Lost)) => {
                last_write(self.studio.leave(task, lease)).await
            }
            Turn::Done(outcome) => outcome,
            Turn::Halted => last_write(self.studio.give_back(task, lease)).await,
            Turn::Broken => {
                tracing::error!(task.id = %task.claim.task, "the work on a task panicked");
                last_write(self.studio.break_off(task, lease)).await
            }
        };
        match outcome {
            Ok(()) => {}
            Err(Error::Lost) => {
                metrics::counter!("generation_stale_claims_total").increment(1);
                tracing::info!(task.id = %task.claim.task, fence = task.claim.fence, "a task was lost to its owner or another worker");
            }
            Err(error) => {
                tracing::error!(task.id = %task.claim.task, error = ?error, "the work on a task stopped; it goes on when its lease runs out");
            }
        }
    }
}

async fn last_write(write: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    let limited = tokio::time::timeout(LAST_WRITE, write).await;
    limited.unwrap_or(Err(Error::Lost))
}

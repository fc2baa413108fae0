//! Wakes those who wait within this process; the database is polled as well, so a lost signal, or
//! one from another process, only comes later.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::{Notify, watch};
use types::GenerationId;

use crate::domain::lease::Lease;

/// The bells of one process.
#[derive(Debug, Default)]
pub struct Signals {
    work: Notify,
    outbox: Notify,
    watched: Mutex<HashMap<GenerationId, watch::Sender<()>>>,
    running: Mutex<HashMap<GenerationId, Lease>>,
}

/// Somebody's wait for a generation to change.
#[derive(Debug)]
pub struct Subscription {
    receiver: watch::Receiver<()>,
}

impl Subscription {
    /// Waits for the next change; one that came since the last call counts.
    pub async fn changed(&mut self) {
        if self.receiver.changed().await.is_err() {
            // Nobody rings any more: the caller's polling is all there is.
            std::future::pending::<()>().await;
        }
    }
}

impl Signals {
    /// There may be a task to take.
    pub fn work(&self) {
        self.work.notify_one();
    }

    /// Waits until there may be.
    pub async fn wait_for_work(&self) {
        self.work.notified().await;
    }

    /// There may be a call to deliver.
    pub fn outbox(&self) {
        self.outbox.notify_one();
    }

    /// Waits until there may be.
    pub async fn wait_for_outbox(&self) {
        self.outbox.notified().await;
    }

    /// A generation changed.
    pub fn changed(&self, id: GenerationId) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = watched.get(&id)
            && sender.send(()).is_err()
        {
            watched.remove(&id);
        }
    }

    /// Waits for changes of a generation.
    #[must_use]
    pub fn subscribe(&self, id: GenerationId) -> Subscription {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever comes sweeps after those who left; so the map holds what is watched.
        watched.retain(|_, sender| !sender.is_closed());
        let sender = watched.entry(id).or_insert_with(|| watch::channel(()).0);
        Subscription {
            receiver: sender.subscribe(),
        }
    }

    /// A worker of this process holds a task.
    pub fn begin(&self, id: GenerationId, lease: Lease) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.insert(id, lease);
    }

    /// It does not any more.
    pub fn done(&self, id: GenerationId) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.remove(&id);
    }

    /// A generation was ended by its owner: whoever works at it in this process stops.
    pub fn cancelled(&self, id: GenerationId) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lease) = running.get(&id) {
            lease.end();
        }
    }
}

//! Wakes those who wait within this process, and keeps what other processes are to be told (`news.rs`);
//! the database is polled as well, so what is lost only comes later.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};
use types::GenerationId;

use crate::domain::lease::Lease;
use crate::domain::news::News;

/// The bells of one process.
#[derive(Debug)]
pub struct Signals {
    work: Notify,
    outbox: Notify,
    mail: watch::Sender<()>,
    news: Mutex<News>,
    has_news: Notify,
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

impl Default for Signals {
    fn default() -> Self {
        Self {
            work: Notify::default(),
            outbox: Notify::default(),
            mail: watch::channel(()).0,
            news: Mutex::default(),
            has_news: Notify::default(),
            watched: Mutex::default(),
            running: Mutex::default(),
        }
    }
}

impl Signals {
    /// There may be a task to take.
    pub fn work(&self) {
        self.work.notify_one();
        self.note(|news| news.work = true);
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

    /// There may be an event to send to a webhook.
    pub fn mail(&self) {
        self.mail.send_replace(());
        self.note(|news| news.mail = true);
    }

    /// Waits until there may be.
    #[must_use]
    pub fn wait_for_mail(&self) -> Subscription {
        Subscription {
            receiver: self.mail.subscribe(),
        }
    }

    /// A generation changed.
    pub fn changed(&self, id: GenerationId) {
        self.ring(id);
        self.note(|news| news.changed(id));
    }

    /// A generation has ended: a call is owed, and webhooks are to be told.
    pub fn ended(&self, id: GenerationId) {
        self.changed(id);
        self.outbox();
        self.mail();
    }

    /// Waits until there is something to tell other processes.
    pub async fn wait_for_news(&self) {
        self.has_news.notified().await;
    }

    /// What there is to tell them.
    pub fn take_news(&self) -> News {
        std::mem::take(&mut *self.lock_news())
    }

    /// What another process tells.
    pub fn hear(&self, news: &News) {
        if news.work {
            self.work.notify_one();
        }
        if news.mail {
            self.mail.send_replace(());
        }
        news.changed.iter().for_each(|id| self.ring(*id));
        news.cancelled.iter().for_each(|id| self.let_go(*id));
    }

    fn note(&self, note: impl FnOnce(&mut News)) {
        note(&mut self.lock_news());
        self.has_news.notify_one();
    }

    fn lock_news(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self, id: GenerationId) {
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

    /// A generation was ended by its owner: whoever works at it stops.
    pub fn cancelled(&self, id: GenerationId) {
        self.let_go(id);
        self.note(|news| news.cancelled(id));
    }

    fn let_go(&self, id: GenerationId) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lease) = running.get(&id) {
            lease.end();
        }
    }
}

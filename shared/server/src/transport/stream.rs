//! The task of one HTTP/2 stream, given up when its peer takes nothing of the answer.
//!
//! A peer that keeps a stream's window shut holds the answer, and the place the call took, for as
//! long as it likes: nothing polls the body, so no deadline in it fires. This watches from outside.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hyper::rt::Executor;
use tokio::sync::watch;
use tokio::time::timeout;

tokio::task_local! {
    static STREAM: Handover;
}

/// Runs every stream of a connection in a task of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Streams {
    /// How long a piece of an answer may wait for the peer to make room.
    pub(super) patience: Duration,
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let handover = Handover::new();
        let patience = self.patience;
        tokio::spawn(STREAM.scope(handover.clone(), async move {
            tokio::select! {
                () = stream => {}
                // Dropping the stream resets it, and gives back what it held.
                () = handover.stuck(patience) => {}
            }
        }));
    }
}

/// Whether a piece of the answer was handed over and the next one not yet asked for.
#[derive(Clone)]
pub(super) struct Handover(Arc<watch::Sender<bool>>);

impl Handover {
    fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// The running stream's; none on HTTP/1, where the socket itself tells.
    pub(super) fn current() -> Option<Self> {
        STREAM.try_with(Clone::clone).ok()
    }

    pub(super) fn handed(&self) {
        self.0.send_replace(true);
    }

    pub(super) fn asked(&self) {
        self.0.send_replace(false);
    }

    async fn stuck(self, patience: Duration) {
        let mut watch = self.0.subscribe();
        loop {
            if watch.wait_for(|handed| *handed).await.is_err() {
                return;
            }
            if timeout(patience, watch.changed()).await.is_err() {
                return;
            }
        }
    }
}

//! What goes on in one connection: how many requests are under way, and since when none is.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

// An HTTP/2 client says who it is in 24 bytes (RFC 9113 section 3.4).
const PREFACE: u64 = 24;

/// One connection's activity. Clones look at the same connection.
#[derive(Clone)]
pub(crate) struct Activity {
    under_way: Arc<watch::Sender<usize>>,
    bytes_read: Arc<AtomicU64>,
}

/// A request under way, until it is dropped.
pub(crate) struct UnderWay(Arc<watch::Sender<usize>>);

impl Activity {
    pub(crate) fn new() -> Self {
        Self {
            under_way: Arc::new(watch::Sender::new(0)),
            bytes_read: Arc::default(),
        }
    }

    pub(crate) fn begin(&self) -> UnderWay {
        self.under_way.send_modify(|count| *count += 1);
        UnderWay(Arc::clone(&self.under_way))
    }

    pub(crate) fn read(&self, bytes: u64) {
        self.bytes_read.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Resolves when the connection has not even said what it is after `patience`.
    pub(crate) async fn silent(&self, patience: Duration) {
        let mut watch = self.under_way.subscribe();
        let spoke = timeout(patience, watch.changed()).await.is_ok();
        if spoke || self.bytes_read.load(Ordering::Relaxed) >= PREFACE {
            pending::<()>().await;
        }
    }

    /// Resolves when no request was under way for `span`.
    pub(crate) async fn quiet(&self, span: Duration) {
        let mut watch = self.under_way.subscribe();
        loop {
            if watch.wait_for(|count| *count == 0).await.is_err() {
                return;
            }
            tokio::select! {
                () = sleep(span) => return,
                changed = watch.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

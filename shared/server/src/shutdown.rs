//! The one switch that stops a process, and how long it may take.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Stops servers. All clones are one switch.
#[derive(Debug, Clone)]
pub struct Shutdown {
    token: CancellationToken,
    drain: Duration,
}

impl Shutdown {
    /// A switch nobody has thrown. Servers that are stopped return within `drain`, whatever their
    /// clients do.
    #[must_use]
    pub fn new(drain: Duration) -> Self {
        Self {
            token: CancellationToken::new(),
            drain,
        }
    }

    /// Throws the switch; it stays thrown.
    pub fn trigger(&self) {
        self.token.cancel();
    }

    /// Waits until the switch is thrown.
    pub fn triggered(&self) -> impl Future<Output = ()> + Send + use<> {
        self.token.clone().cancelled_owned()
    }

    /// Whether the switch is thrown.
    #[must_use]
    pub fn is_triggered(&self) -> bool {
        self.token.is_cancelled()
    }

    /// How long the requests under way may still take.
    #[must_use]
    pub const fn drain(&self) -> Duration {
        self.drain
    }
}

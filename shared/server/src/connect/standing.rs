//! How a service stands, as those who watch its processes know it and those who call it ask.

use std::sync::Arc;
use std::time::Duration;

use errors::Fault;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

/// How long somebody waits for what another look brings.
const PATIENCE: Duration = Duration::from_millis(500);

/// Whether anybody of a service answers. All clones are one.
#[derive(Debug, Clone)]
pub struct Standing {
    is_away: Arc<watch::Sender<bool>>,
    /// How many looks at the members began, and how many have ended.
    looks: Arc<watch::Sender<(u64, u64)>>,
    suspicion: Arc<Notify>,
}

impl Default for Standing {
    fn default() -> Self {
        Self {
            is_away: Arc::new(watch::Sender::new(false)),
            looks: Arc::new(watch::Sender::new((0, 0))),
            suspicion: Arc::default(),
        }
    }
}

impl Standing {
    /// Refuses at once while nobody answers: waiting would only hold up more and more calls.
    ///
    /// # Errors
    /// `UNAVAILABLE`, with when to try again.
    pub fn check(&self, name: &str) -> Result<(), Fault> {
        if *self.is_away.borrow() {
            let what = format!("the {name} service");
            return Err(Fault::unavailable(&what, "none of its processes answers"));
        }
        Ok(())
    }

    /// Says that a call met nobody: the members are looked at now.
    pub fn suspect(&self) {
        self.suspicion.notify_one();
    }

    /// Says so, and waits for what the look brings, but not long.
    pub async fn look_again(&self) {
        let mut looks = self.looks.subscribe();
        let next = looks.borrow_and_update().0 + 1;
        self.suspect();
        let seen = looks.wait_for(|(_, ended)| *ended >= next);
        // Whoever asked goes on with what is known.
        let _ = timeout(PATIENCE, seen).await;
    }

    pub(super) async fn suspected(&self) {
        self.suspicion.notified().await;
    }

    pub(super) fn begin_look(&self) {
        self.looks.send_modify(|(begun, _)| *begun += 1);
    }

    pub(super) fn end_look(&self) {
        self.looks.send_modify(|(begun, ended)| *ended = *begun);
    }

    pub(super) fn tell(&self, is_away: bool) {
        self.is_away.send_replace(is_away);
    }
}

//! What is known of one API key, and who is asking for it.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use errors::Fault;
use tokio::sync::{Mutex, MutexGuard};

use super::Pass;

/// Those who waited for a question that came to nothing are told the same; whoever comes later than this
/// asks anew.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// What is known of one key.
#[derive(Default)]
pub(super) struct Slot {
    known: RwLock<Known>,
    // Held by the one request that asks.
    asking: Mutex<()>,
}

#[derive(Default)]
struct Known {
    held: Option<Held>,
    failed: Option<(Fault, Instant)>,
}

struct Held {
    pass: Arc<Pass>,
    /// Until when it is used without a question.
    fresh_until: Instant,
    /// Until when its token lasts.
    lasts_until: Instant,
}

impl Slot {
    /// What needs no question.
    pub(super) fn fresh(&self, now: Instant) -> Option<Arc<Pass>> {
        self.read(|known| {
            let held = known.held.as_ref();
            held.filter(|held| held.fresh_until > now && held.lasts_until > now)
                .map(|held| Arc::clone(&held.pass))
        })
    }

    /// What there is, asked about or not.
    pub(super) fn lasting(&self, now: Instant) -> Option<Arc<Pass>> {
        self.read(|known| {
            let held = known.held.as_ref();
            held.filter(|held| held.lasts_until > now)
                .map(|held| Arc::clone(&held.pass))
        })
    }

    /// Waits until nobody else asks.
    pub(super) async fn asking(&self) -> MutexGuard<'_, ()> {
        self.asking.lock().await
    }

    /// What another's question came to, a moment ago.
    pub(super) fn told(&self, now: Instant) -> Option<Result<Arc<Pass>, Fault>> {
        if let Some(pass) = self.fresh(now) {
            return Some(Ok(pass));
        }
        self.read(|known| {
            let failed = known.failed.as_ref();
            failed
                .filter(|(_, at)| now.duration_since(*at) < ASK_AGAIN)
                .map(|(fault, _)| Err(told_again(fault)))
        })
    }

    /// Keeps what auth gave.
    pub(super) fn keep(&self, pass: Pass, fresh_until: Instant, lasts_until: Instant) -> Arc<Pass> {
        let pass = Arc::new(pass);
        let held = Held {
            pass: Arc::clone(&pass),
            fresh_until,
            lasts_until,
        };
        self.write(|known| {
            *known = Known {
                held: Some(held),
                failed: None,
            };
        });
        pass
    }

    /// Forgets the key: auth says that it is none.
    ///
    /// # Errors
    /// What was given, for whoever asked.
    pub(super) fn refuse(&self, fault: Fault) -> Result<Arc<Pass>, Fault> {
        self.write(|known| {
            *known = Known {
                held: None,
                failed: Some((told_again(&fault), Instant::now())),
            };
        });
        Err(fault)
    }

    /// Auth did not answer: a token that lasts is used on, and auth left alone for `pause`.
    ///
    /// # Errors
    /// The fault, when there is no such token.
    pub(super) fn go_on(&self, fault: Fault, pause: Duration) -> Result<Arc<Pass>, Fault> {
        let now = Instant::now();
        self.write(|known| {
            let held = known.held.as_mut();
            if let Some(held) = held.filter(|held| held.lasts_until > now) {
                let key = held.pass.caller.grant.as_ref().map(|grant| grant.key);
                let key = key.map(|key| key.to_string()).unwrap_or_default();
                tracing::warn!(api_key.id = key, error = %fault, "cannot ask for an API key, going on with its token");
                held.fresh_until = now + pause;
                return Ok(Arc::clone(&held.pass));
            }
            known.failed = Some((told_again(&fault), now));
            Err(fault)
        })
    }

    fn read<T>(&self, look: impl FnOnce(&Known) -> T) -> T {
        look(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, change: impl FnOnce(&mut Known) -> T) -> T {
        change(&mut self.known.write().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The same for somebody else; the cause was logged for the first.
fn told_again(fault: &Fault) -> Fault {
    Fault::new(fault.reason, fault.message.clone())
}

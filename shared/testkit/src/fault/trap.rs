//! Traps: bytes that are waited for, and what is done when they pass.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::Moment;

/// The traps of a proxy that nobody walked into yet.
pub(super) type Traps = Arc<Mutex<Vec<Trap>>>;

/// Waits for bytes, once.
pub(super) struct Trap {
    bytes: Vec<u8>,
    pub(super) moment: Moment,
    act: Box<dyn FnOnce() + Send>,
    done: oneshot::Sender<()>,
}

impl Trap {
    pub(super) fn new(
        bytes: &[u8],
        moment: Moment,
        act: impl FnOnce() + Send + 'static,
    ) -> (Self, oneshot::Receiver<()>) {
        let (done, was_done) = oneshot::channel();
        let trap = Self {
            bytes: bytes.to_vec(),
            moment,
            act: Box::new(act),
            done,
        };
        (trap, was_done)
    }

    /// Does what is to be done.
    pub(super) fn spring(self) {
        (self.act)();
        // Nobody need wait for it.
        let _ = self.done.send(());
    }
}

pub(super) fn set(traps: &Traps, trap: Trap) {
    let mut traps = traps.lock().unwrap_or_else(PoisonError::into_inner);
    traps.push(trap);
}

pub(super) fn clear(traps: &Traps) {
    let mut traps = traps.lock().unwrap_or_else(PoisonError::into_inner);
    traps.clear();
}

/// What a connection sent so far, as far as the beginning of a trap's bytes may be in it.
#[derive(Default)]
pub(super) struct Trail(Vec<u8>);

impl Trail {
    /// Takes the trap that these bytes, after those before, walk into.
    pub(super) fn walk(&mut self, traps: &Traps, piece: &[u8]) -> Option<Trap> {
        let mut traps = traps.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.extend_from_slice(piece);
        let holds = |bytes: &[u8]| self.0.windows(bytes.len().max(1)).any(|one| one == bytes);
        let caught = traps.iter().position(|trap| holds(&trap.bytes));
        let longest = traps.iter().map(|trap| trap.bytes.len()).max();
        let caught = caught.map(|place| traps.remove(place));
        let kept = match caught {
            // The same bytes walk into one trap only.
            Some(_) => 0,
            None => longest.unwrap_or(1).saturating_sub(1),
        };
        self.0.drain(..self.0.len().saturating_sub(kept));
        caught
    }
}

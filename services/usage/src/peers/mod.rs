//! Outgoing calls to the other services, each within its own time.

mod generation;

pub use generation::GenerationPeer;

//! Outgoing calls to the other services and to the operator's receiver, each within its own time.

mod generation;
mod receiver;

pub use generation::GenerationPeer;
pub use receiver::WebhookReceiver;

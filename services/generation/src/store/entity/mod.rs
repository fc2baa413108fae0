//! The tables, a file each.

pub mod attempts;
pub mod batches;
pub mod deliveries;
pub mod events;
pub mod moderation_decisions;
pub mod outbox;
pub mod outputs;
pub mod tasks;
pub mod webhooks;

//! The tables, a file each.

pub mod attempts;
pub mod deliveries;
pub mod events;
pub mod outbox;
pub mod outputs;
pub mod tasks;
pub mod webhooks;

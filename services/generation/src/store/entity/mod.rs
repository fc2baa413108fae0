//! The tables, a file each.

pub mod attempts;
pub mod events;
pub mod outbox;
pub mod outputs;
pub mod tasks;

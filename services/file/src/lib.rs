//! The file service: bytes that users bring or generations make, and what is known of them.
//!
//! `rpc` takes calls, `domain` decides, `store` keeps rows, `blobs` keeps bytes; `app` wires them.

pub mod blobs;
pub mod domain;
pub mod rpc;
pub mod store;

pub use store::Migrator;

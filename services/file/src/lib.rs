//! The file service: bytes that users bring or generations make, and what is known of them.
//!
//! `rpc` takes calls, `domain` decides, `store` keeps rows, `blobs` keeps bytes, `app` wires them.

mod app;
pub mod blobs;
mod config;
pub mod domain;
mod rpc;
pub mod store;

pub use app::{App, StartError};
pub use config::Config;
pub use store::Migrator;

//! The generation service: takes orders, does them through providers, keeps what came of them.
//!
//! - [`domain`]: what a generation is and how it is done; `desk` takes orders, `studio` does them
//! - `rpc`: the wire; `worker`: what runs without being asked
//! - `store`, `peers`, [`providers`]: the database, the other services, the models

mod app;
mod beside;
mod config;
pub mod domain;
mod peers;
pub mod providers;
mod rpc;
pub mod store;
pub mod worker;

pub use app::{App, StartError};
pub use beside::inquiry;
pub use config::Config;
pub use store::Migrator;

//! auth: who people are, and the tokens that say so to every other service.
//!
//! - [`Config`], [`App`]: settings, wiring, serving
//! - `rpc`: `bottega.auth.v1.AuthService`, `ApiKeyService` and `UserAdminService`, wire types in and out
//! - `domain`: accounts, passwords, sessions, API keys, signing keys and their rules
//! - `store`: the tables and the queries over them

mod app;
mod config;
mod domain;
mod rpc;
mod store;

pub use app::{App, StartError};
pub use config::Config;
pub use store::Migrator;

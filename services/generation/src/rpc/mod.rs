//! The front room: wire to domain and back, nothing else.

mod admin;
mod convert;
mod error;
mod generation_service;
mod watch;

pub use admin::GenerationAdminRpc;
pub use generation_service::GenerationRpc;

//! The front room: decodes, asks the domain, encodes.

mod auth_service;
mod convert;
mod error;
mod own_keys;

pub use auth_service::AuthRpc;
pub use own_keys::OwnKeys;

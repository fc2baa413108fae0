//! The front room: decodes, asks the domain, encodes.

mod auth_service;
mod convert;
mod convert_admin;
mod error;
mod own_keys;
mod user_admin_service;

pub use auth_service::AuthRpc;
pub use own_keys::OwnKeys;
pub use user_admin_service::UserAdminRpc;

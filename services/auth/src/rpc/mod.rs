//! The front room: decodes, asks the domain, encodes.

mod api_key_service;
mod auth_service;
mod convert;
mod convert_admin;
mod convert_keys;
mod error;
mod own_keys;
mod user_admin_service;

pub use api_key_service::ApiKeyRpc;
pub use auth_service::AuthRpc;
pub use own_keys::OwnKeys;
pub use user_admin_service::UserAdminRpc;

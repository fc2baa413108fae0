//! The front room: reads requests, asks the domain, says what came of it.

mod admin;
mod convert;
mod error;
mod export;
mod records;
mod usage_service;

pub use admin::UsageAdminRpc;
pub use usage_service::UsageRpc;

//! The front room: reads requests, asks the domain, says what came of it.

mod convert;
mod error;
mod usage_service;

pub use usage_service::UsageRpc;

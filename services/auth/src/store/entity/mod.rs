//! The tables, one file each.

pub mod api_key;
pub mod audit;
pub mod login_failure;
pub mod refresh_token;
pub mod session;
pub mod signing_key;
pub mod user;

//! The real service on port 0, over real databases.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test whose ground gives way must stop at once"
)]

mod accounts;
mod api_keys;
mod brute_force;
mod keys;
mod refresh;
mod replies;
mod schema;
mod secrets;
mod service_tokens;
mod support;
mod user_admin;

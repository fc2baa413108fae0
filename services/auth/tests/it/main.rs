//! The real service on port 0, over real databases.

mod accounts;
mod brute_force;
mod keys;
mod refresh;
mod replies;
mod schema;
mod secrets;
mod service_tokens;
mod support;

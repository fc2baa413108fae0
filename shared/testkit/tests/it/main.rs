//! What tests rely on, tried out.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on must stop at once"
)]

mod fault;
mod postgres;

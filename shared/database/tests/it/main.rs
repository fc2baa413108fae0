//! The guards of the pools, tried against what they guard from.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on must stop at once"
)]

mod cancelled_begin;
mod immediate;
mod migrations;
mod news;
mod schema;
mod warm;

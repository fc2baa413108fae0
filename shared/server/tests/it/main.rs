//! The server's promises, each tried over a real socket by a client that breaks the rules.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on must fail"
)]

mod access;
mod admin;
mod bounds;
mod cancel;
mod deadlines;
mod drain;
mod http;
mod near;
mod panics;
mod peers;
mod records;
mod reflection;
mod stage;
mod wire;

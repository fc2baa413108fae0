//! The whole suite, from outside: over HTTP, over gRPC, killed and started again.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on must stop at once"
)]

mod accounts;
mod api_keys;
mod app;
mod architecture;
mod attempts;
mod bad_input;
mod batches;
mod books;
mod browser;
mod commands;
mod events;
mod examples;
mod files;
mod grpc;
mod kill_grid;
mod last_units;
mod main_job;
mod money;
mod openai;
mod operators;
mod paused;
mod processes;
mod quota;
mod repeats;
mod saving;
mod schemathesis;
mod surface;
mod typescript;
mod zombie;

//! The file service as its callers and its disk see it.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on must stop at once, and its helpers are for these tests only"
)]

mod blobs;
mod catalog;
mod downloads;
mod refusals;
mod rows;
mod support;
mod sweeping;
mod uploads;

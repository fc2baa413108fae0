//! Tokens and keys, tried with everything a forger would try.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on must fail"
)]

mod forger;
mod forgeries;
mod keys;
mod tokens;

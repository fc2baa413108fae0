//! The generation service over real gRPC and real databases.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that misses something must stop at once"
)]

mod support;

mod batches;
mod cancel_races;
mod cancelling;
mod chores;
mod claims;
mod crowded;
mod departing;
mod failures;
mod health;
mod judged;
mod lost;
mod masks;
mod money;
mod moves;
mod news;
mod off_peak;
mod orders;
mod outbox;
mod prices;
mod provider_reports;
mod queue;
mod quotes;
mod recovery;
mod repeats;
mod replies;
mod reports;
mod reuse;
mod routing;
mod safety;
mod saving;
mod schema;
mod stopping;
mod strays;
mod unknown;
mod waiting;
mod watching;
mod webhooks;

//! The generation service over real gRPC and real databases.

mod support;

mod cancelling;
mod claims;
mod failures;
mod orders;
mod outbox;
mod recovery;
mod replies;
mod schema;
mod stopping;
mod watching;

//! The gateway over real sockets, in front of small real gRPC servers.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on must fail"
)]

mod access;
mod caching;
mod docs;
mod downloads;
mod events;
mod fakes;
mod fleet;
mod house;
mod keys;
mod languages;
mod limiters;
mod limits;
mod manners;
mod noise;
mod quota;
mod redis_away;
mod replays;
mod requests;
mod rpc;
mod service;
mod streams;
mod tls;
mod uploads;

//! The usage service against real databases, and over real gRPC.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what the tests share fails a test by stopping it"
)]

mod admin;
mod alerts;
mod audit;
mod books;
mod charges;
mod dice;
mod explain;
mod fresh;
mod invariants;
mod keeper;
mod life;
mod migrations;
mod model;
mod months;
mod office;
mod outage;
mod quota;
mod races;
mod reconcile;
mod records;
mod replays;
mod reports;
mod rollover;
mod seeded;
mod sequences;
mod served;
mod service;
mod spending;
mod sweep;
mod zone;

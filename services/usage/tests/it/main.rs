//! The usage service against real databases, and over real gRPC.

mod books;
mod invariants;
mod life;
mod migrations;
mod quota;
mod rollover;
mod served;
mod service;

//! What tests share: real databases, a Redis, a network that fails when told, pictures, a clock that
//! waits for them. Never in a product.

mod clock;
mod db;
mod fault;
mod issuer;
pub mod pictures;
mod postgres;
mod redis;

pub use clock::ManualClock;
pub use db::TestDb;
pub use fault::{FaultProxy, Moment, Network};
pub use issuer::TestIssuer;
pub use postgres::TestPostgres;
pub use redis::{TestRedis, redis_url};

use std::net::TcpListener;

/// A port nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0");
    let addr = listener.and_then(|listener| listener.local_addr());
    #[expect(
        clippy::expect_used,
        reason = "a test without its port must stop at once"
    )]
    addr.expect("there is a free port").port()
}

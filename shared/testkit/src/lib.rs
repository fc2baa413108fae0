//! What tests share: real databases, a Redis, pictures, a clock that waits for them. Never in a product.

mod clock;
mod db;
mod issuer;
pub mod pictures;
mod redis;

pub use clock::ManualClock;
pub use db::TestDb;
pub use issuer::TestIssuer;
pub use redis::{TestRedis, redis_url};

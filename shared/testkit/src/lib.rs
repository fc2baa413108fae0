//! What tests share: real databases, pictures, a clock that waits for them. Never in a product.

mod clock;
mod db;
mod issuer;
pub mod pictures;

pub use clock::ManualClock;
pub use db::TestDb;
pub use issuer::TestIssuer;

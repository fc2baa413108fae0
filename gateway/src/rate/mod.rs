//! How often: limits of requests over time, kept in this process and, with Redis, over all of them.
//!
//! - [`Limit`] is what a setting says, `gcra` its arithmetic, [`Bucket`] one limit of one caller
//! - [`Limiter`] decides over all buckets of a request at once: [`Local`] for one process, [`Shared`]
//!   for all that use one Redis; both pass the same tests
//! - [`Settings`] are the limits of each class and what holds while Redis is away
//! - [`Rates`] puts them together; the pipeline asks it and nobody else

mod bucket;
mod gcra;
mod limit;
mod local;
mod rates;
mod settings;
mod shared;

use std::future::Future;

pub use bucket::{Bucket, Class, Who};
pub use gcra::Gcra;
pub use limit::{InvalidLimits, Limit, Limits};
pub use local::Local;
pub use rates::{Decision, Mode, Rates};
pub use settings::{Away, InvalidAway, RedisSettings, Rule, Settings};
pub use shared::{Shared, StoreAway};

/// What a limiter says to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether every bucket had room, and was charged; otherwise none was.
    pub passed: bool,
    /// How full each bucket is afterwards, in microseconds until it is empty, in the order asked.
    pub debts: Vec<u64>,
}

/// Decides over requests, each with some buckets of one caller: all are charged, or none.
pub trait Limiter {
    /// Charges every bucket, if all have room.
    ///
    /// # Errors
    /// When the counts cannot be reached.
    fn take(&self, buckets: &[Bucket]) -> impl Future<Output = Result<Verdict, StoreAway>> + Send;
}

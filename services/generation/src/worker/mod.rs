//! The back stairs: what runs without being asked. Tasks are claimed and done, leases kept, owed
//! calls delivered, webhooks told, prices heard.

mod caretaker;
mod delivery;
pub mod expiry;
pub mod health_watch;
mod heartbeat;
mod messenger;
mod pool;
mod postman;
mod price_watch;
mod speed_watch;
pub mod strays;
pub mod unknown_watch;

use std::time::Duration;

pub use caretaker::Caretaker;
pub use delivery::Delivery;
pub use messenger::Messenger;
pub use pool::Pool;
pub use postman::Postman;
pub use price_watch::PriceWatch;
pub use speed_watch::SpeedWatch;

/// How tasks are worked.
#[derive(Debug, Clone, Copy)]
pub struct WorkSettings {
    /// How many at once.
    pub workers: usize,
    /// How many of one owner, over all processes; 0 for any number.
    pub max_running: u64,
    /// How long a task is a worker's own without a sign of life.
    pub lease: Duration,
    /// How often the database is asked for work when nobody rings.
    pub poll: Duration,
}

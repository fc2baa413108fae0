//! Plain data every room shares: ids, money, time, pages. No I/O, no wire types.

mod clock;
mod id;
mod idempotency;
mod money;
mod page;
mod timestamp;

pub use clock::{Clock, IdSource, SystemClock, SystemIds};
pub use id::{
    ApiKeyId, FileId, GenerationId, InvalidId, OperationId, ReservationId, SessionId, UserId,
};
pub use idempotency::{IdempotencyKey, InvalidIdempotencyKey};
pub use money::Microusd;
pub use page::{InvalidPage, Page, PageRequest};
pub use timestamp::Timestamp;

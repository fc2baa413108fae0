//! What an order, a question or a worker's write can come to.

use errors::{Fault, FieldViolation};

use crate::domain::generation::Status;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The order cannot be taken as it is.
    #[error("the order has {} wrong field(s)", .0.len())]
    Invalid(Vec<FieldViolation>),
    /// No configured provider can do the work; the sentence says which one was asked for.
    #[error("{0}")]
    NoProvider(String),
    /// There is no such generation, or it is not the caller's.
    #[error("no such generation")]
    NotFound,
    /// An input file does not exist, or is not the caller's: its place in the order.
    #[error("no input file at place {0}")]
    InputNotFound(usize),
    /// The mask does not exist, or is not the caller's.
    #[error("no such mask")]
    MaskNotFound,
    /// It has ended already, like this.
    #[error("the generation has ended: {}", .0.as_str())]
    Ended(Status),
    /// It has gone too far for that.
    #[error(transparent)]
    TooLate(TooLate),
    /// As many of the owner's orders wait as may: so many.
    #[error("{0} orders wait already")]
    QueueFull(u64),
    /// The reservation belongs to another generation.
    #[error("the reservation was used before")]
    ReservationUsed,
    /// The reservation expired before the generation could be stored.
    #[error("the reservation has expired")]
    ReservationExpired,
    /// The receipt is not for this call: forged, expired, or another owner's.
    #[error("the reservation receipt does not belong to this call")]
    ReceiptRefused,
    /// A call with the same key stands in the way.
    #[error(transparent)]
    Key(KeyRefusal),
    /// The prompt breaks this rule.
    #[error("the prompt breaks the rule {0}")]
    ContentRefused(String),
    /// This order of a batch cannot be taken, and so none can.
    #[error("order {0} of the batch: {1}")]
    InBatch(usize, Box<Error>),
    /// The worker does not hold the task any more. It writes nothing and says nothing.
    #[error("the task is held by somebody else")]
    Lost,
    /// Another service said no, or does not answer.
    #[error("a peer: {0}")]
    Peer(Fault),
    /// The database said no, or does not answer.
    #[error("the store: {0}")]
    Store(Fault),
}

/// What has gone too far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooLate {
    /// The result is made and being kept: too late to cancel.
    #[error("the generation's result is being kept")]
    Keeping,
    /// What its attempt cost is known: too late to say otherwise.
    #[error("what the generation cost is known")]
    Known,
}

/// How a call with the same key stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefusal {
    /// It asked for something else.
    #[error("the key was used for something else")]
    Mismatch,
    /// It is not done yet.
    #[error("a call with this key is under way")]
    UnderWay,
}

impl Error {
    /// Whether trying again can help.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::InBatch(_, error) => error.is_passing(),
            Self::Peer(fault) | Self::Store(fault) => matches!(
                fault.reason,
                errors::Reason::Unavailable
                    | errors::Reason::DeadlineExceeded
                    | errors::Reason::Overloaded
                    | errors::Reason::RateLimited
            ),
            _ => false,
        }
    }
}

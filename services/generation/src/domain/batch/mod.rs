//! Batches: orders that came together. Each is accepted or refused by itself, or all of them are.

pub mod desk;
mod refused;

use async_trait::async_trait;
use errors::FieldViolation;
use serde::{Deserialize, Serialize};
use types::{GenerationId, Microusd, Timestamp, UserId};
use uuid::Uuid;

use crate::domain::error::Error;
use crate::domain::generation::Generation;
use crate::domain::order::OrderForm;
use crate::domain::ports::NewTask;
use crate::domain::repeats::NewKey;

pub use refused::Refused;

/// How many orders a batch may hold.
pub const MOST: usize = 100;

/// Orders as they were sent.
#[derive(Debug, Clone, Default)]
pub struct BatchForm {
    /// In their order.
    pub orders: Vec<OrderForm>,
    /// Whether one that is refused refuses all of them.
    pub all_or_nothing: bool,
}

/// A batch about to be stored.
#[derive(Debug, Clone)]
pub struct NewBatch {
    /// UUIDv7.
    pub id: Uuid,
    /// Whose it is.
    pub owner: UserId,
    /// What its owner named the call.
    pub key: Option<NewKey>,
    /// The accepted and the refused, in the order they came in.
    pub items: Vec<Result<NewTask, Refused>>,
    /// Whether it is stored whole or not at all.
    pub all_or_nothing: bool,
    /// Now.
    pub created_at: Timestamp,
}

/// What an order of a batch became, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// This generation.
    Task(GenerationId),
    /// Nothing.
    Refused(Refused),
}

/// What an order of a batch became, as it stands.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// This generation.
    Generation(Box<Generation>),
    /// Nothing.
    Refused(Refused),
}

/// Orders that came together.
#[derive(Debug, Clone)]
pub struct Batch {
    /// UUIDv7.
    pub id: Uuid,
    /// In the order they came in.
    pub outcomes: Vec<Outcome>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When the last of its generations ended.
    pub ended_at: Option<Timestamp>,
}

/// A batch whose last generation has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Which.
    pub id: Uuid,
    /// How many orders were refused.
    pub refused: usize,
    /// How many generations have completed.
    pub completed: i64,
    /// How many were given up.
    pub failed: i64,
    /// How many were ended by their owner.
    pub cancelled: i64,
    /// What all of them cost.
    pub cost: Microusd,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When the last of its generations ended.
    pub ended_at: Timestamp,
}

/// What is asked of the store about batches.
#[async_trait]
pub trait Batches: Send + Sync + 'static {
    /// Stores a batch with all its tasks, or nothing. A task that comes too late is refused by itself,
    /// unless that refuses all.
    async fn create_batch(&self, batch: &NewBatch) -> Result<Batch, Error>;

    /// One batch of an owner.
    async fn find_batch(&self, owner: UserId, id: Uuid) -> Result<Batch, Error>;
}

/// What is wrong with one order of a batch, seen from the batch.
fn within(place: usize, violation: FieldViolation) -> FieldViolation {
    FieldViolation {
        field: format!("requests[{place}].{}", violation.field),
        ..violation
    }
}

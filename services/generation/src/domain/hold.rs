//! What is set aside for a task before it is stored: one generation, and the money it may cost.

use types::{GenerationId, Microusd, ReservationId, Timestamp};

use crate::domain::generation::Kind;
use crate::domain::prices::Looks;

/// Work to set money aside for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// What is made.
    pub kind: Kind,
    /// Who does it.
    pub provider: String,
    /// With which model.
    pub model: String,
    /// The task it will be.
    pub task: GenerationId,
    /// What it may be priced by.
    pub looks: Looks,
    /// What it may be priced at; none for any price.
    pub max_price: Option<Microusd>,
    /// The configured price; the usage service's catalogue goes first.
    pub list_price: Microusd,
    /// The date of that price, `YYYY-MM-DD`.
    pub list_price_as_of: String,
    /// How much of the price counts, in thousandths; all of it when absent.
    pub permille: Option<i64>,
}

/// The price work was accepted at. It stands until the task has ended, whatever prices do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The most its owner is charged.
    pub amount: Microusd,
    /// `catalogue:<version>` or `list:<date>`, and `@<thousandths>` when only so much of it counts.
    pub version: String,
}

/// A reservation that can be adopted by a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// In the usage service.
    pub reservation: ReservationId,
    /// What the work was priced at.
    pub price: Quote,
    /// When it expires unless it is confirmed. No task may adopt it after that: the usage service
    /// asks us about it soon after, and what we answer has to stay true (`store/adoption.rs`).
    pub expires_at: Timestamp,
}

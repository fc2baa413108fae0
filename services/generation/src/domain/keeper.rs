//! Answers the usage service about reservations before it lets them go.
//!
//! "Unknown" is a promise: no task has the reservation, and none ever will. So a task is only stored
//! while its reservation has not expired, both are looked at under one lock (`store/adoption.rs`),
//! and the usage service asks about nothing that has not expired.

use std::collections::HashMap;
use std::sync::Arc;

use types::{GenerationId, ReservationId};

use crate::domain::error::Error;
use crate::domain::ports::Adoptions;
use crate::domain::signals::Signals;

/// How a task with a reservation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is under way, or its resolution is owed.
    Open,
    /// It has ended, and nothing is owed any more.
    Delivered(GenerationId),
}

/// What a reservation is to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// No task has it, and none will.
    Unknown,
    /// Its task is under way, or its outcome is about to be delivered.
    Open,
}

/// Answers about reservations.
pub struct Keeper {
    /// Where tasks are kept.
    pub adoptions: Arc<dyn Adoptions>,
    /// Who tells that a call is owed.
    pub signals: Arc<Signals>,
}

impl Keeper {
    /// What each of these reservations is to become, in their order.
    ///
    /// # Errors
    /// A store that does not answer: then nothing is said about any.
    pub async fn report(&self, asked: &[ReservationId]) -> Result<Vec<Report>, Error> {
        let found: HashMap<ReservationId, Standing> = self.adoptions.standings(asked).await?;
        for (reservation, standing) in &found {
            // Whoever asks about what we have delivered has lost it, as after a restored backup.
            // Delivering it again changes nothing where it is known.
            if let Standing::Delivered(task) = standing {
                tracing::warn!(
                    reservation.id = %reservation,
                    task.id = %task,
                    "a delivered outcome is asked for; it is delivered again"
                );
                self.adoptions.owe_again(*task).await?;
                self.signals.outbox();
            }
        }
        let report = |id| match found.contains_key(id) {
            true => Report::Open,
            false => Report::Unknown,
        };
        Ok(asked.iter().map(report).collect())
    }
}

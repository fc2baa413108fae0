//! The back room: the books in SQL.

mod error;
mod migration;
mod retry;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use database::Database;
use types::{Clock, IdSource, ReservationId, Timestamp};

use crate::domain::clerk::{Instruction, Outcome};
use crate::domain::counter::{Key, Tally};
use crate::domain::error::Error;
use crate::domain::plan::Plans;
use crate::domain::ports::{Book, Due};
use crate::domain::rules::Rules;
use crate::domain::window::Calendar;

pub use migration::Migrator;

/// What the books are kept by beside the database.
#[derive(Clone)]
pub struct Desk {
    /// The configured plans.
    pub plans: Plans,
    /// Where days begin and end.
    pub calendar: Calendar,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn IdSource>,
}

/// The books, in SQLite or PostgreSQL. Several processes may share one PostgreSQL database.
#[derive(Clone)]
pub struct SqlBook {
    db: Database,
    desk: Desk,
}

impl SqlBook {
    /// Books in a migrated database.
    #[must_use]
    pub fn new(db: Database, desk: Desk) -> Self {
        Self { db, desk }
    }
}

#[async_trait]
impl Book for SqlBook {
    async fn post(&self, _instruction: Instruction) -> Outcome {
        let _ = (&self.db, &self.desk);
        Err(Error::NotFound("teller"))
    }

    async fn rules(&self) -> Result<Arc<Rules>, Error> {
        Err(Error::NotFound("teller"))
    }

    async fn tallies(&self, _keys: &[Key]) -> Result<Vec<Tally>, Error> {
        Err(Error::NotFound("teller"))
    }

    async fn due(
        &self,
        _now: Timestamp,
        _most: u64,
        _except: &BTreeSet<ReservationId>,
    ) -> Result<Vec<Due>, Error> {
        Err(Error::NotFound("teller"))
    }
}

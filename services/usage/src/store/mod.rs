//! The back room: the books in SQL.

mod alerts;
mod corrections;
mod counters;
mod error;
mod ledger;
mod migration;
mod office;
mod reservations;
mod retry;
mod rules;
mod sums;
mod teller;
pub(crate) mod zone;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use database::Database;
use types::{Clock, IdSource, Timestamp};

use crate::domain::clerk::{Instruction, Outcome};
use crate::domain::counter::{Key, Tally};
use crate::domain::error::Error;
use crate::domain::plan::Plans;
use crate::domain::ports::{Book, Due, Forgotten};
use crate::domain::rules::Rules;
use crate::domain::window::Calendar;

use rules::Shelf;
use teller::Tellers;

pub use migration::Migrator;
pub use office::SqlOffice;

/// What the books are kept by.
pub struct Desk {
    /// The configured plans; operators' own go over them.
    pub plans: Plans,
    /// Where days and months begin and end.
    pub calendar: Calendar,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids of ledger rows and alerts.
    pub ids: Arc<dyn IdSource>,
    /// How many transactions may be under way at a time; one on SQLite, which has one writer.
    pub tellers: usize,
}

/// The books, in SQLite or PostgreSQL. Several processes may share one PostgreSQL database.
#[derive(Clone)]
pub struct SqlBook {
    db: Database,
    shelf: Arc<Shelf>,
    tellers: Tellers,
}

impl SqlBook {
    /// Books in a migrated database.
    #[must_use]
    pub fn new(db: Database, desk: Desk) -> Self {
        let shelf = Arc::new(Shelf::new(desk.plans, desk.calendar));
        let tellers = Tellers::start(&db, &shelf, &desk.clock, &desk.ids, desk.tellers);
        Self { db, shelf, tellers }
    }

    /// Finishes what was asked before, and takes nothing more.
    pub async fn close(&self) {
        self.tellers.close().await;
    }
}

#[async_trait]
impl Book for SqlBook {
    async fn post(&self, instruction: Instruction) -> Outcome {
        self.tellers.post(instruction).await
    }

    async fn rules(&self) -> Result<Arc<Rules>, Error> {
        Ok(self.shelf.current(&self.db).await?)
    }

    async fn tallies(&self, keys: &[Key]) -> Result<Vec<Tally>, Error> {
        Ok(counters::read(self.db.read(), keys).await?)
    }

    async fn due(&self, now: Timestamp, most: u64, last: Option<Due>) -> Result<Vec<Due>, Error> {
        Ok(reservations::due(self.db.read(), now, most, last).await?)
    }

    async fn forget(
        &self,
        resolved: Timestamp,
        begun: Timestamp,
        most: u64,
    ) -> Result<Forgotten, Error> {
        let db = self.db.write();
        Ok(Forgotten {
            reservations: reservations::forget(db, resolved, most).await?,
            counters: counters::forget(db, begun, most).await?,
        })
    }
}

impl fmt::Debug for SqlBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlBook")
            .field("db", &self.db)
            .finish_non_exhaustive()
    }
}

//! The back room: the books in SQL, each port method one transaction.

mod counters;
mod entity;
mod error;
mod migration;
mod reservations;
mod retry;

use async_trait::async_trait;
use database::Database;
use types::{ReservationId, Timestamp};

use crate::domain::counter::{Key, Tally};
use crate::domain::error::Error;
use crate::domain::ports::{Book, Reserving, Resolved};
use crate::domain::reservation::{Action, Draft, Step};

use error::StoreError;
use retry::repeat_on_conflict;

pub use migration::Migrator;

/// The books, in SQLite or PostgreSQL. Several processes may share one PostgreSQL database.
#[derive(Debug, Clone)]
pub struct SqlBook {
    db: Database,
}

impl SqlBook {
    /// Books in a migrated database.
    #[must_use]
    pub fn new(db: Database) -> Self {
        Self { db }
    }

    // The reservation is written first: a second call with the same operation id waits on the
    // unique index until the first ends, and then finds its row, before it can touch a counter.
    async fn reserve_once(&self, draft: &Draft) -> Result<Reserving, StoreError> {
        let transaction = self.db.begin().await?;
        if !reservations::insert(&*transaction, draft).await? {
            let made = reservations::find_by_operation(&*transaction, draft.operation).await?;
            transaction.rollback().await?;
            let made = made.ok_or(StoreError::Corrupt("a reservation vanished"))?;
            return Ok(Reserving::Repeated(made));
        }
        let mut tallies = Vec::with_capacity(draft.takes.len());
        for take in &draft.takes {
            counters::ensure(&*transaction, &take.key).await?;
            match counters::hold(&*transaction, take).await? {
                Some(tally) => tallies.push(tally),
                None => {
                    transaction.rollback().await?;
                    return Ok(Reserving::Refused);
                }
            }
        }
        transaction.commit().await?;
        Ok(Reserving::Done(tallies))
    }

    async fn resolve_once(
        &self,
        id: ReservationId,
        action: Action,
        now: Timestamp,
    ) -> Result<Resolved, StoreError> {
        let transaction = self.db.begin().await?;
        let found = reservations::lock(&*transaction, id).await?;
        let from = found.ok_or(StoreError::Domain(Error::NotFound))?;
        let step = from
            .on(action)
            .map_err(|wrong| StoreError::Domain(wrong.into()))?;
        let Step::Move { to, change } = step else {
            transaction.rollback().await?;
            return Ok(Resolved { from, step });
        };
        reservations::set_state(&*transaction, id, from, to, now).await?;
        for (key, amount) in reservations::items(&*transaction, id).await? {
            counters::apply(&*transaction, &key, amount, change).await?;
        }
        transaction.commit().await?;
        Ok(Resolved { from, step })
    }
}

#[async_trait]
impl Book for SqlBook {
    async fn reserve(&self, draft: &Draft) -> Result<Reserving, Error> {
        Ok(repeat_on_conflict(|| self.reserve_once(draft)).await?)
    }

    async fn resolve(
        &self,
        id: ReservationId,
        action: Action,
        now: Timestamp,
    ) -> Result<Resolved, Error> {
        Ok(repeat_on_conflict(|| self.resolve_once(id, action, now)).await?)
    }

    async fn due(&self, now: Timestamp, most: u64) -> Result<Vec<ReservationId>, Error> {
        Ok(reservations::due(self.db.read(), now, most).await?)
    }

    async fn tallies(&self, keys: &[Key]) -> Result<Vec<Tally>, Error> {
        Ok(counters::read(self.db.read(), keys).await?)
    }
}

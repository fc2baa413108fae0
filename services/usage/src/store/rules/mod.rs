//! The rules in force: read once, kept in memory, read again when their version changed.

pub mod audit;
mod budgets;
pub mod change;
mod load;
pub mod names;
mod plans;
mod port;
mod prices;
mod seed;

use std::sync::{Arc, PoisonError, RwLock};

use database::{Database, Locks, Transaction};

use super::error::StoreError;
use crate::domain::plan::Plans;
use crate::domain::rules::Rules;
use crate::domain::window::Calendar;

// Changes of the rules that have to look at what is under way hold it alone, everybody else shares it.
const LOCK: i64 = 0x0075_7361_6765;

/// The rules this process knows.
#[derive(Debug)]
pub struct Shelf {
    plans: Plans,
    calendar: Calendar,
    known: RwLock<Option<Arc<Rules>>>,
}

impl Shelf {
    /// With the configured plans; operators' own go over them.
    pub fn new(plans: Plans, calendar: Calendar) -> Self {
        Self {
            plans,
            calendar,
            known: RwLock::default(),
        }
    }

    /// The rules that were read last; whoever works by them compares their version.
    pub async fn known(&self, db: &Database) -> Result<Arc<Rules>, StoreError> {
        match self.peek() {
            Some(rules) => Ok(rules),
            None => self.reload(db).await,
        }
    }

    fn peek(&self) -> Option<Arc<Rules>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    /// The rules in force now.
    pub async fn current(&self, db: &Database) -> Result<Arc<Rules>, StoreError> {
        let known = self.known(db).await?;
        if load::version(db.read()).await? == known.version {
            return Ok(known);
        }
        self.reload(db).await
    }

    /// Reads the rules anew.
    pub async fn reload(&self, db: &Database) -> Result<Arc<Rules>, StoreError> {
        let read = load::read(db.read(), self.plans.clone(), self.calendar.clone());
        let rules = Arc::new(read.await?);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        // Two may read at the same time; the older one does not replace the newer one.
        if known
            .as_ref()
            .is_none_or(|one| one.version <= rules.version)
        {
            *known = Some(Arc::clone(&rules));
        }
        Ok(rules)
    }
}

/// A transaction that works by the rules: they do not change until it ends.
pub async fn share(db: &Database) -> Result<Transaction, StoreError> {
    Ok(db.begin_holding(Locks::Shared(&[LOCK])).await?)
}

/// A transaction that holds everybody else off until it ends: for changes that have to look at what is
/// under way.
pub async fn hold(db: &Database) -> Result<Transaction, StoreError> {
    Ok(db.begin_holding(Locks::Alone(&[LOCK])).await?)
}

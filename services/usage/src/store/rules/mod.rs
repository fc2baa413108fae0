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

use database::Database;
use sea_orm::ConnectionTrait;

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

/// Works by the rules until the transaction ends: they do not change meanwhile.
pub async fn share(transaction: &impl ConnectionTrait) -> Result<(), StoreError> {
    // On the way, for the statements to come: every one of them names its rows by their keys. A plan
    // that reads a whole table, made while the table was small, would be kept while it grows; and
    // compiling one takes longer than all it does.
    let keys = [
        "enable_seqscan",
        "enable_hashjoin",
        "enable_mergejoin",
        "jit",
    ];
    let keys = keys.map(|name| format!("set_config('{name}', 'off', TRUE)"));
    let keys = keys.join(", ");
    take(
        transaction,
        &format!("{keys}, pg_advisory_xact_lock_shared"),
    )
    .await
}

/// Holds everybody else off until the transaction ends: for changes that have to look at what is
/// under way.
pub async fn hold(transaction: &impl ConnectionTrait) -> Result<(), StoreError> {
    take(transaction, "pg_advisory_xact_lock").await
}

// Its own statement: only what is read after it sees what the one before wrote. SQLite has one
// writer, who needs no lock.
async fn take(transaction: &impl ConnectionTrait, function: &str) -> Result<(), StoreError> {
    let backend = transaction.get_database_backend();
    if backend == sea_orm::DbBackend::Postgres {
        let sql = format!("SELECT {function}({LOCK})");
        let statement = sea_orm::Statement::from_string(backend, sql);
        transaction.query_one_raw(statement).await?;
    }
    Ok(())
}

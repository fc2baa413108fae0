//! The back room: generations as rows. Every write of a worker carries its claim.

mod adoption;
mod attempts;
mod batches;
mod chores;
mod claim;
mod decisions;
mod ends;
pub mod entity;
mod events;
mod expiry;
mod intake;
mod keys;
mod migration;
mod news;
mod outbox;
mod providers;
mod queue;
mod results;
mod room;
mod rows;
mod stats;
mod strays;
mod tasks;
mod transitions;
mod unknown;
mod webhooks;
mod work;

use std::sync::Arc;

use database::teller::Tellers;
use database::{Backend, Database, DatabaseError};
use errors::Fault;
use types::Clock;

use crate::domain::error::Error;

pub use migration::Migrator;

// While one commits, the other gathers.
const TELLERS: usize = 2;

/// The generation service's database.
#[derive(Clone)]
pub struct Store {
    db: Database,
    clock: Arc<dyn Clock>,
    // Who store new tasks; each has a store without any.
    tellers: Option<Tellers<Store>>,
}

impl Store {
    /// A store in this database; its migrations must have run.
    pub fn new(db: Database, clock: Arc<dyn Clock>) -> Self {
        let tellers = match db.backend() {
            Backend::Postgres => TELLERS,
            // There is one writer.
            Backend::Sqlite => 1,
        };
        let bare = Self {
            db,
            clock,
            tellers: None,
        };
        let tellers = Tellers::start((0..tellers).map(|_| bare.clone()));
        Self {
            tellers: Some(tellers),
            ..bare
        }
    }

    /// Asks the database for an answer.
    ///
    /// # Errors
    /// It gives none.
    pub async fn ping(&self) -> Result<(), DatabaseError> {
        self.db.ping().await
    }

    // Now, in microseconds, as SQL. Leases and waits are compared by one clock however many
    // processes there are: the database server's. SQLite has one process, so its clock serves.
    fn now_sql(&self) -> String {
        match self.db.backend() {
            Backend::Postgres => {
                "(extract(epoch from clock_timestamp()) * 1000000)::bigint".to_owned()
            }
            Backend::Sqlite => self.clock.now().micros().to_string(),
        }
    }

    fn skip_locked(&self) -> &'static str {
        match self.db.backend() {
            Backend::Postgres => "FOR UPDATE SKIP LOCKED",
            // There is one writer.
            Backend::Sqlite => "",
        }
    }
}

// Database errors end here.
fn failed(error: impl Into<DatabaseError>) -> Error {
    Error::Store(Fault::from(error.into()))
}

fn written(value: &impl serde::Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Store(Fault::internal(error)))
}

// A row that does not say what our own code wrote.
fn unreadable(what: &str) -> Error {
    Error::Store(Fault::internal(format!("a stored {what} cannot be read")))
}

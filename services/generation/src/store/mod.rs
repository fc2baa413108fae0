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
mod horizon;
mod intake;
mod keys;
mod lookup;
mod migration;
mod moves;
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

use database::teller::{Gone, Tellers};
use database::{Backend, Database, DatabaseError};
use errors::{Fault, Reason};
use types::Clock;

use crate::domain::error::Error;

use horizon::Horizon;
use lookup::Lookup;
pub use migration::Migrator;
use moves::Moves;

// While one is at work, the other gathers. Of those who write there is one each: what comes meanwhile is
// written together next, and two would only write less at a time.
const LOOKERS: usize = 2;

/// The generation service's database.
#[derive(Clone)]
pub struct Store {
    db: Database,
    clock: Arc<dyn Clock>,
    horizon: Arc<Horizon>,
    // Who do together what is asked at the same moment; each has a store without any.
    desks: Option<Desks>,
}

// Who store new tasks, who write down what workers do, and who look tasks up.
#[derive(Clone)]
struct Desks {
    intake: Tellers<Store>,
    moves: Tellers<Moves>,
    lookup: Tellers<Lookup>,
}

impl Store {
    /// A store in this database; its migrations must have run.
    pub fn new(db: Database, clock: Arc<dyn Clock>) -> Self {
        let bare = Self {
            db,
            clock,
            horizon: Arc::default(),
            desks: None,
        };
        let desks = Desks {
            intake: Tellers::start([bare.clone()]),
            moves: Tellers::start([Moves(bare.clone())]),
            lookup: Tellers::start((0..LOOKERS).map(|_| Lookup(bare.clone()))),
        };
        Self {
            desks: Some(desks),
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

    // A store of tellers has none.
    fn desks(&self) -> Result<&Desks, Error> {
        let desks = self.desks.as_ref();
        desks.ok_or_else(|| Error::Store(Fault::internal("a teller asks tellers")))
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

// Why what was shared could not be done.
struct Hindrance(Error);

impl From<DatabaseError> for Hindrance {
    fn from(error: DatabaseError) -> Self {
        Self(failed(error))
    }
}

// Nobody did it, or nobody knows.
fn gone(gone: Gone) -> Error {
    Error::Store(Fault::unavailable("the database", gone))
}

// Whether it is a fault of what was asked; otherwise the database does not answer.
fn is_broken(error: &Error) -> bool {
    matches!(error, Error::Store(fault) if fault.reason == Reason::Internal)
}

// The same error, for each of those who shared a transaction.
fn share(error: &Arc<Error>) -> Error {
    Error::Store(match is_broken(error) {
        true => Fault::internal(Arc::clone(error)),
        false => Fault::unavailable("the database", Arc::clone(error)),
    })
}

fn written(value: &impl serde::Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Store(Fault::internal(error)))
}

// A row that does not say what our own code wrote.
fn unreadable(what: &str) -> Error {
    Error::Store(Fault::internal(format!("a stored {what} cannot be read")))
}

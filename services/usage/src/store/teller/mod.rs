//! The tellers of the books ([`database::teller`]): a reservation is always seen to by the same one of a
//! process.

mod round;
mod writes;

use std::sync::Arc;

use database::{Backend, Database, teller};
use types::{Clock, IdSource};

use super::rules::Shelf;
use crate::domain::clerk::{Instruction, Outcome};
use crate::domain::error::Error;
use round::Round;

/// The tellers of a process.
#[derive(Clone)]
pub struct Tellers(teller::Tellers<Round>);

impl Tellers {
    /// Starts `count` tellers. SQLite has one writer, so one teller is all that can work there.
    pub fn start(
        db: &Database,
        shelf: &Arc<Shelf>,
        clock: &Arc<dyn Clock>,
        ids: &Arc<dyn IdSource>,
        count: usize,
    ) -> Self {
        let count = match db.backend() {
            Backend::Postgres => count.max(1),
            Backend::Sqlite => 1,
        };
        let first = first_shard();
        let rounds = (first..).take(count).map(|shard| Round {
            db: db.clone(),
            shelf: Arc::clone(shelf),
            clock: Arc::clone(clock),
            ids: Arc::clone(ids),
            shard: shard % SHARDS,
        });
        Self(teller::Tellers::start(rounds))
    }

    /// Does one instruction.
    pub async fn post(&self, instruction: Instruction) -> Outcome {
        let [.., low] = instruction.id().uuid().into_bytes();
        let posted = self.0.post(usize::from(low), instruction).await;
        posted.unwrap_or_else(|gone| Err(Error::Unavailable(gone.into())))
    }

    /// Takes nothing more, and waits until everything that was taken is done.
    pub async fn close(&self) {
        self.0.close().await;
    }
}

// Accounts and minutes that everybody moves have a row for each shard. Processes begin at different
// ones, so that they seldom wait for each other.
const SHARDS: u32 = 64;

fn first_shard() -> u32 {
    let [low, high, ..] = uuid::Uuid::new_v4().into_bytes();
    u32::from(u16::from_le_bytes([low, high])) % SHARDS
}

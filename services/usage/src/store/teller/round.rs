//! One transaction over one batch: lock, read, decide, write, commit; and begin again when the ground
//! moved meanwhile.

use std::collections::BTreeSet;
use std::sync::Arc;

use database::{Database, Transaction, teller};
use types::{Clock, IdSource};

use super::writes;
use crate::domain::clerk::{Instruction, Outcome, Sheet};
use crate::domain::counter::Key;
use crate::domain::error::Error;
use crate::domain::rules::Rules;
use crate::store::error::StoreError;
use crate::store::retry::repeat_on_conflict;
use crate::store::rules::{self, Shelf};
use crate::store::{counters, reservations};

// Each begin has a cause that is then out of the way, so more than a few mean a fault of ours.
const BEGINS: usize = 16;

/// What a teller works with.
pub struct Round {
    pub db: Database,
    pub shelf: Arc<Shelf>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn IdSource>,
    pub shard: u32,
}

impl teller::Round for Round {
    type Wish = Instruction;
    type Outcome = Outcome;
    type Error = StoreError;

    async fn post(&self, instructions: &[Instruction]) -> Result<Vec<Outcome>, StoreError> {
        match self.attempt(instructions).await {
            // Perhaps it was done. Every instruction may be repeated, and then finds it so.
            Err(error) if error.is_lost() => self.attempt(instructions).await,
            outcome => outcome,
        }
    }

    fn is_fault(error: &StoreError) -> bool {
        error.is_fault()
    }

    fn undone(error: &Arc<StoreError>) -> Outcome {
        let reason = Arc::clone(error).into();
        Err(match error.is_fault() {
            true => Error::Broken(reason),
            false => Error::Unavailable(reason),
        })
    }
}

impl Round {
    async fn attempt(&self, instructions: &[Instruction]) -> Result<Vec<Outcome>, StoreError> {
        repeat_on_conflict(|| self.db.within_patience(self.begin(instructions))).await
    }

    async fn begin(&self, instructions: &[Instruction]) -> Result<Vec<Outcome>, StoreError> {
        let mut needed = BTreeSet::new();
        for _ in 0..BEGINS {
            let known = self.shelf.known(&self.db).await?;
            let transaction = rules::share(&self.db).await?;
            match decide(self, &transaction, known, instructions, &needed).await? {
                Step::Nothing(outcomes) => {
                    transaction.rollback().await?;
                    return Ok(outcomes);
                }
                Step::Written(outcomes) => {
                    transaction.commit().await?;
                    return Ok(outcomes);
                }
                Step::OldRules => {
                    transaction.rollback().await?;
                    self.shelf.reload(&self.db).await?;
                }
                Step::Needs(counters) => {
                    transaction.rollback().await?;
                    needed.extend(counters);
                }
                Step::Lacks(counters) => {
                    transaction.rollback().await?;
                    counters::ensure(self.db.write(), &counters).await?;
                }
                Step::Overtaken => transaction.rollback().await?,
            }
        }
        Err(StoreError::Restless)
    }
}

// How far a transaction came.
enum Step {
    // Nothing is to be written.
    Nothing(Vec<Outcome>),
    // Everything is written.
    Written(Vec<Outcome>),
    // The rules changed since they were read.
    OldRules,
    // Counters that nobody foresaw are needed; locking them now could be out of order.
    Needs(BTreeSet<Key>),
    // These counters have no row yet.
    Lacks(BTreeSet<Key>),
    // Somebody else made one of the reservations meanwhile.
    Overtaken,
}

async fn decide(
    round: &Round,
    transaction: &Transaction,
    known: Arc<Rules>,
    instructions: &[Instruction],
    needed: &BTreeSet<Key>,
) -> Result<Step, StoreError> {
    let ids = instructions.iter().map(Instruction::id).collect();
    let (version, rows) = reservations::lock(&**transaction, &ids).await?;
    if version != known.version {
        return Ok(Step::OldRules);
    }
    let mut sheet = Sheet::new(known, round.clock.now(), Arc::clone(&round.ids), rows);
    let mut keys = sheet.keys(instructions);
    keys.extend(needed.iter().cloned());
    let found = counters::lock(&**transaction, &keys).await?;
    if found.len() < keys.len() {
        for (key, ..) in &found {
            keys.remove(key);
        }
        return Ok(Step::Lacks(keys));
    }
    sheet.put_counts(found);
    let outcomes = instructions.iter().map(|one| sheet.post(one)).collect();
    let missing = sheet.missing();
    if !missing.is_empty() {
        return Ok(Step::Needs(missing));
    }
    let made = sheet.into_writes();
    if made.is_empty() {
        return Ok(Step::Nothing(outcomes));
    }
    match writes::write(&**transaction, &made, round.shard).await? {
        true => Ok(Step::Written(outcomes)),
        false => Ok(Step::Overtaken),
    }
}

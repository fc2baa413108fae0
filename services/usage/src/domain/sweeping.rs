//! Giving back what nobody came back for, and forgetting what nobody asks for any more.
//!
//! Work that somebody keeps the record of is never given up by guessing: its keeper is asked, and what
//! the keeper does not answer stays as it is.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use types::{Clock, ReservationId, Timestamp};

use super::clerk::Instruction;
use super::error::Error;
use super::ports::{Book, Due, Forgotten, Keepers, Report};
use super::scope::Keeper;

/// As many are looked at, and asked about, at a time.
pub const BATCH: usize = 100;

// An order whose reservation has just expired may still be on its way into its keeper's record.
const MARGIN: Duration = Duration::from_secs(60);
const DAY: u64 = 86_400;
// Counters of windows that ended this long ago are no use to any report.
const COUNTERS: Duration = Duration::from_secs(400 * DAY);
// A month that began before this has ended before COUNTERS.
const MONTH: Duration = Duration::from_secs(31 * DAY);

/// Looks for reservations that expired.
pub struct Sweeping {
    /// Where they are.
    pub book: Arc<dyn Book>,
    /// Who is asked about them.
    pub keepers: Arc<dyn Keepers>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For how long work that is under way is held on.
    pub hold: Duration,
    /// For how long resolved reservations are kept: as long their operations can be repeated.
    pub keep: Duration,
}

/// What became of what was due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Given back.
    pub expired: u64,
    /// Held on, because work is under way.
    pub extended: u64,
    /// Left as they are, because their keeper did not answer.
    pub unanswered: u64,
    /// Left as they are, because the books refused them: a fault of ours.
    pub failed: u64,
}

/// A walk over everything that is due, batch by batch.
pub struct Pass<'a> {
    sweeping: &'a Sweeping,
    now: Timestamp,
    last: Option<Due>,
    // Who does not answer is asked no more in this pass.
    silent: HashSet<Keeper>,
    /// What came of it so far.
    pub swept: Swept,
}

impl Sweeping {
    /// Begins to look at everything that is due now.
    #[must_use]
    pub fn pass(&self) -> Pass<'_> {
        Pass {
            sweeping: self,
            now: self.clock.now(),
            last: None,
            silent: HashSet::new(),
            swept: Swept::default(),
        }
    }

    /// Forgets some of what is older than anybody asks for.
    ///
    /// # Errors
    /// The books do not answer.
    pub async fn forget(&self, most: u64) -> Result<Forgotten, Error> {
        let now = self.clock.now();
        let resolved = before(now, self.keep);
        let begun = before(now, COUNTERS + MONTH);
        self.book.forget(resolved, begun, most).await
    }
}

impl Pass<'_> {
    /// Sees to the next batch, and says whether there may be more.
    ///
    /// # Errors
    /// The books do not answer.
    pub async fn step(&mut self) -> Result<bool, Error> {
        let most = u64::try_from(BATCH).unwrap_or(u64::MAX);
        let book = &self.sweeping.book;
        let due = book.due(self.now, most, self.last).await?;
        self.last = due.last().copied().or(self.last);
        let (kept, forgotten): (Vec<Due>, Vec<Due>) =
            due.iter().partition(|one| one.keeper.is_some());
        let mut instructions: Vec<_> = (forgotten.into_iter())
            .map(|one| Instruction::Expire(one.id))
            .collect();
        instructions.extend(self.judge(&kept).await);
        self.post(instructions).await?;
        Ok(due.len() == BATCH)
    }

    // What keepers say is to become of their work.
    async fn judge(&mut self, kept: &[Due]) -> Vec<Instruction> {
        let now = self.now;
        let mut instructions = Vec::new();
        for keeper in Keeper::ALL {
            let overdue = |one: &&Due| one.expires_at.plus(MARGIN) <= now;
            let own = kept.iter().filter(|one| one.keeper == Some(keeper));
            let ids: Vec<ReservationId> = own.filter(overdue).map(|one| one.id).collect();
            if ids.is_empty() {
                continue;
            }
            let Some(reports) = self.ask(keeper, &ids).await else {
                self.swept.unanswered += ids.len() as u64;
                continue;
            };
            let judged = ids.into_iter().zip(reports);
            instructions.extend(judged.map(|(id, report)| match report {
                Report::Unknown => Instruction::Expire(id),
                Report::Open => Instruction::Extend(id, self.sweeping.hold),
            }));
        }
        instructions
    }

    async fn ask(&mut self, keeper: Keeper, ids: &[ReservationId]) -> Option<Vec<Report>> {
        if self.silent.contains(&keeper) {
            return None;
        }
        match self.sweeping.keepers.report(keeper, ids).await {
            Ok(reports) if reports.len() == ids.len() => Some(reports),
            Ok(_) => {
                tracing::error!(?keeper, "a keeper left out reservations it was asked about");
                self.silent.insert(keeper);
                None
            }
            Err(error) => {
                tracing::warn!(
                    ?keeper,
                    error = &error as &dyn std::error::Error,
                    "a keeper does not answer, reservations stay as they are"
                );
                self.silent.insert(keeper);
                None
            }
        }
    }

    // All at once: the books do them in one go.
    async fn post(&mut self, instructions: Vec<Instruction>) -> Result<(), Error> {
        let book = &self.sweeping.book;
        let posts = instructions.into_iter().map(|instruction| async move {
            let expires = matches!(instruction, Instruction::Expire(_));
            (expires, book.post(instruction).await)
        });
        for (expires, outcome) in join_all(posts).await {
            match outcome {
                Ok(done) if expires => self.swept.expired += u64::from(!done.is_repeat),
                Ok(_) => self.swept.extended += 1,
                Err(error @ Error::Unavailable(_)) => return Err(error),
                Err(error @ Error::Broken(_)) => {
                    self.swept.failed += 1;
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "a reservation cannot be given back"
                    );
                }
                // It was resolved since it was read.
                Err(_) => {}
            }
        }
        Ok(())
    }
}

fn before(now: Timestamp, span: Duration) -> Timestamp {
    let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
    Timestamp(now.micros().saturating_sub(micros))
}

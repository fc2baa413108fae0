//! The use cases: reserve, resolve, sweep, look.

use std::sync::Arc;
use std::time::Duration;

use types::{Clock, IdSource, ReservationId, Timestamp, UserId};

use super::counter::{Key, Standing, Subject, Take, Tally};
use super::error::{Error, Refusal};
use super::plan::{Plan, Plans};
use super::ports::{Book, Reserving, Resolved};
use super::reservation::{Action, Ask, Change, Draft, Made, Step};

// Between a refusal and the look at its counters others may give units back; then the refusal is
// out of date and the ask is tried again.
const TRIES: usize = 5;
const SWEEP_BATCH: u64 = 100;

/// Keeps count of what owners use.
pub struct Usage {
    book: Arc<dyn Book>,
    plans: Plans,
    hold: Duration,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

/// Units set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reserved {
    /// Names the reservation.
    pub id: ReservationId,
    /// The limits it counts in, after it was made.
    pub limits: Vec<Standing>,
    /// When it expires unless it is confirmed.
    pub expires_at: Timestamp,
}

impl Usage {
    /// Keeps count in `book`; a reservation that nobody confirms is held for `hold`.
    pub fn new(
        book: Arc<dyn Book>,
        plans: Plans,
        hold: Duration,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Self {
        Self {
            book,
            plans,
            hold,
            clock,
            ids,
        }
    }

    /// The configured plans.
    #[must_use]
    pub fn plans(&self) -> &Plans {
        &self.plans
    }

    /// Every limit of a plan as it stands for one owner, the shortest window first.
    ///
    /// # Errors
    /// The books do not answer.
    pub async fn look(&self, owner: UserId, plan: &Plan) -> Result<Vec<Standing>, Error> {
        let now = self.clock.now();
        let subject = Subject::user(owner);
        let limits = plan.limits().iter();
        let takes = limits.map(|limit| Take::new(subject.clone(), limit, 0, now));
        let mut takes: Vec<Take> = takes.collect();
        takes.sort_by(|left, right| left.key.cmp(&right.key));
        self.standings(&takes).await
    }

    /// Sets units aside, all or none. The same ask again answers the same reservation, whatever
    /// became of it meanwhile.
    ///
    /// # Errors
    /// `OverLimit`; `OperationMismatch`; the books do not answer.
    pub async fn reserve(&self, ask: &Ask) -> Result<Reserved, Error> {
        let outcome = self.try_reserve(ask).await;
        let label = match &outcome {
            Ok((_, label)) => *label,
            Err(Error::OverLimit(_)) => "refused",
            Err(Error::OperationMismatch) => "mismatch",
            Err(_) => "failed",
        };
        metrics::counter!("usage_reservations_total", "outcome" => label).increment(1);
        Ok(outcome?.0)
    }

    async fn try_reserve(&self, ask: &Ask) -> Result<(Reserved, &'static str), Error> {
        let now = self.clock.now();
        let draft = ask.draft(ReservationId(self.ids.next()), now, self.hold);
        for _ in 0..TRIES {
            match self.book.reserve(&draft).await? {
                Reserving::Done(tallies) => return Ok((reserved(&draft, &tallies), "made")),
                Reserving::Repeated(made) => return self.repeat(ask, &draft, made).await,
                Reserving::Refused => {}
            }
            let over = self.over(&draft).await?;
            if !over.is_empty() {
                return Err(refusal(&draft, over));
            }
        }
        // Units come and go so fast that every look found some; the next caller may be luckier.
        Err(Error::Unavailable("the counter changes too fast".into()))
    }

    async fn repeat(
        &self,
        ask: &Ask,
        draft: &Draft,
        made: Made,
    ) -> Result<(Reserved, &'static str), Error> {
        if made.request_hash != draft.request_hash {
            return Err(Error::OperationMismatch);
        }
        let limits = self.standings(&ask.takes(made.created_at)).await?;
        let reserved = Reserved {
            id: made.id,
            limits,
            expires_at: made.expires_at,
        };
        Ok((reserved, "repeated"))
    }

    async fn over(&self, draft: &Draft) -> Result<Vec<(Standing, i64)>, Error> {
        let standings = self.standings(&draft.takes).await?;
        let looked = draft.takes.iter().zip(standings);
        let mut over: Vec<(Standing, i64)> = looked
            .filter(|(take, standing)| !take.fits(standing.tally))
            .map(|(take, standing)| (standing, take.amount))
            .collect();
        over.sort_by_key(|(standing, _)| std::cmp::Reverse(standing.window.reset));
        Ok(over)
    }

    async fn standings(&self, takes: &[Take]) -> Result<Vec<Standing>, Error> {
        let keys: Vec<Key> = takes.iter().map(|take| take.key.clone()).collect();
        let tallies = self.book.tallies(&keys).await?;
        let looked = takes.iter().zip(tallies);
        Ok(looked.map(|(take, tally)| take.standing(tally)).collect())
    }

    /// Confirms, settles or releases a reservation. Repeating it changes nothing.
    ///
    /// # Errors
    /// `NotFound`; `WrongState` when its life went another way; the books do not answer.
    pub async fn resolve(&self, id: ReservationId, action: Action) -> Result<(), Error> {
        let outcome = self.book.resolve(id, action, self.clock.now()).await;
        count(action, &outcome);
        if let Step::Move {
            change: Change::SpendAnew,
            ..
        } = outcome?.step
        {
            metrics::counter!("usage_settled_after_expiry_total").increment(1);
            tracing::warn!(reservation.id = %id, "reservation settled after it expired: counted as used, past the limit if need be");
        }
        Ok(())
    }

    /// Expires the next reservations that nobody came back for; how many there were. Another
    /// process may do the same at the same time.
    ///
    /// # Errors
    /// The books do not answer.
    pub async fn sweep(&self) -> Result<u64, Error> {
        let now = self.clock.now();
        let mut expired = 0;
        for id in self.book.due(now, SWEEP_BATCH).await? {
            let outcome = self.book.resolve(id, Action::Expire, now).await;
            count(Action::Expire, &outcome);
            match outcome {
                Ok(resolved) => expired += u64::from(resolved.step != Step::Stay),
                Err(error @ Error::Unavailable(_)) => return Err(error),
                // One broken reservation must not keep the others from expiring.
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(reservation.id = %id, error, "reservation cannot be expired");
                }
            }
        }
        Ok(expired)
    }
}

fn count(action: Action, outcome: &Result<Resolved, Error>) {
    let label = match outcome {
        Ok(resolved) if resolved.step == Step::Stay => "repeated",
        Ok(_) => "done",
        Err(Error::NotFound | Error::WrongState(_)) => "refused",
        Err(_) => "failed",
    };
    metrics::counter!("usage_resolutions_total", "action" => action.as_str(), "outcome" => label)
        .increment(1);
}

fn reserved(draft: &Draft, tallies: &[Tally]) -> Reserved {
    let held = draft.takes.iter().zip(tallies);
    Reserved {
        id: draft.id,
        limits: held.map(|(take, tally)| take.standing(*tally)).collect(),
        expires_at: draft.expires_at,
    }
}

fn refusal(draft: &Draft, over: Vec<(Standing, i64)>) -> Error {
    Error::OverLimit(Box::new(Refusal {
        subject: Subject::user(draft.owner),
        tier: draft.tier.clone(),
        over,
        at: draft.created_at,
    }))
}

//! What operators put right by hand: units given and taken, and work nobody knows the outcome of.

use std::sync::Arc;

use types::{Clock, IdSource, Microusd, Page, PageRequest, ReservationId, Timestamp, UserId};
use uuid::Uuid;

use crate::domain::audit::{AuditEvent, Signature};
use crate::domain::clerk::Instruction;
use crate::domain::error::Error;
use crate::domain::meter::Meter;
use crate::domain::ports::{Corrections, Keepers, Report};
use crate::domain::reservation::{Adjustment, Reservation, State, WrongState};
use crate::domain::rules::Amounts;
use crate::domain::usage::Usage;

/// A correction that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// Its ledger row.
    pub entry: Uuid,
    /// The operation.
    pub operation: ReservationId,
    /// Whose units.
    pub owner: UserId,
    /// Generations or money.
    pub meter: Meter,
    /// By how many units; negative gave back.
    pub amount: i64,
    /// Why.
    pub note: String,
    /// When.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
}

/// Puts right by hand.
pub struct Corrector {
    usage: Arc<Usage>,
    store: Arc<dyn Corrections>,
    keepers: Arc<dyn Keepers>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

impl Corrector {
    /// Corrects what `usage` counts.
    #[must_use]
    pub fn new(
        usage: Arc<Usage>,
        store: Arc<dyn Corrections>,
        keepers: Arc<dyn Keepers>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Self {
        Self {
            usage,
            store,
            keepers,
            clock,
            ids,
        }
    }

    fn signed(&self, actor: &str) -> Signature {
        Signature {
            actor: actor.to_owned(),
            at: self.clock.now(),
            ids: Arc::clone(&self.ids),
        }
    }

    /// Corrects what an owner may use. Repeating it changes nothing, and gives what was done first.
    ///
    /// # Errors
    /// The id was used for something else; the plan is not known; the books do not answer.
    pub async fn adjust(&self, adjustment: Adjustment) -> Result<Correction, Error> {
        let id = adjustment.id;
        (self.usage.post(Instruction::Adjust(adjustment.clone()))).await?;
        let by = self.signed(&adjustment.actor);
        let event = AuditEvent::new(
            &by,
            "adjustment.create",
            &id,
            None,
            Some(adjustment.picture()),
        );
        self.store.note(id, &event).await?;
        self.store.adjustment(id).await
    }

    /// Corrections, newest first: of one owner or of all.
    ///
    /// # Errors
    /// The books do not answer.
    pub async fn adjustments(
        &self,
        owner: Option<UserId>,
        page: PageRequest,
    ) -> Result<Page<Correction>, Error> {
        self.store.adjustments(owner, page).await
    }

    /// Reservations in a state, newest first.
    ///
    /// # Errors
    /// The books do not answer.
    pub async fn reservations(
        &self,
        state: State,
        page: PageRequest,
    ) -> Result<Page<Reservation>, Error> {
        self.store.reservations(state, page).await
    }

    /// Ends work nobody knew the outcome of: it was paid for at this cost, or it was not. Only what is
    /// in suspense can be ended so, and only what no keeper has a record of: where there is one, the
    /// record is what is put right, and the books follow. Ending it alike again changes nothing.
    ///
    /// # Errors
    /// There is no such reservation, or it is not in suspense; its keeper knows it, or does not
    /// answer; the books do not answer.
    pub async fn resolve(
        &self,
        id: ReservationId,
        cost: Option<Microusd>,
        actor: &str,
    ) -> Result<Reservation, Error> {
        let before = self.store.reservation(id).await?;
        let end = match cost {
            Some(_) => State::Settled,
            None => State::Released,
        };
        if before.state != State::Suspended && before.state != end {
            return Err(WrongState(before.state).into());
        }
        if before.state == State::Suspended {
            self.refuse_what_is_kept(&before).await?;
        }
        // Noted before it is done: should it be cut short here, repeating the call ends it.
        if before.state == State::Suspended {
            let mut after = before.picture();
            after["state"] = end.as_str().into();
            after["costMicrousd"] = cost.map(|cost| cost.0).into();
            let (by, before) = (self.signed(actor), Some(before.picture()));
            let event = AuditEvent::new(&by, "reservation.resolve", &id, before, Some(after));
            self.store.note(id, &event).await?;
        }
        let instruction = match cost {
            Some(Microusd(cost)) => {
                let actuals = Amounts::from([(Meter::Microusd, cost), (Meter::Generations, 0)]);
                Instruction::Settle(id, actuals.into())
            }
            None => Instruction::Release(id),
        };
        let done = self.usage.post(instruction).await?;
        // Somebody ended it before: alike, or otherwise.
        if done.is_repeat && cost.is_some() && self.store.paid(id).await? != cost {
            return Err(WrongState(done.reservation.state).into());
        }
        Ok(done.reservation)
    }

    async fn refuse_what_is_kept(&self, row: &Reservation) -> Result<(), Error> {
        let Some(keeper) = row.purpose.keeper else {
            return Ok(());
        };
        let asked = self.keepers.report(keeper, &[row.id]).await;
        match asked.as_deref() {
            Ok([Report::Unknown]) => Ok(()),
            Ok([Report::Open]) => Err(Error::Kept { is_silent: false }),
            Ok(_) | Err(_) => Err(Error::Kept { is_silent: true }),
        }
    }
}

//! What operators put right by hand: units given and taken, and work nobody knows the outcome of.

use std::sync::Arc;

use types::{Microusd, Page, PageRequest, ReservationId, Timestamp, UserId};
use uuid::Uuid;

use crate::domain::clerk::Instruction;
use crate::domain::error::Error;
use crate::domain::meter::Meter;
use crate::domain::ports::{Corrections, Keepers, Report};
use crate::domain::reservation::{Adjustment, Reservation, Resolution, State};
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
}

impl Corrector {
    /// Corrects what `usage` counts.
    #[must_use]
    pub fn new(usage: Arc<Usage>, store: Arc<dyn Corrections>, keepers: Arc<dyn Keepers>) -> Self {
        Self {
            usage,
            store,
            keepers,
        }
    }

    /// Corrects what an owner may use. Repeating it changes nothing, and gives what was done first.
    ///
    /// # Errors
    /// The id was used for something else; the plan is not known, or not the owner's; it would give
    /// back more than was used; the books do not answer.
    pub async fn adjust(&self, adjustment: Adjustment) -> Result<Correction, Error> {
        let id = adjustment.id;
        self.check_tier(&adjustment).await?;
        self.usage.post(Instruction::Adjust(adjustment)).await?;
        self.store.adjustment(id).await
    }

    // What is corrected was used on the plan of the latest charge: by the limits of another one it
    // would be put right in windows where nobody looks. A plan that is gone has no limits.
    async fn check_tier(&self, adjustment: &Adjustment) -> Result<(), Error> {
        let latest = self.store.latest_tier(adjustment.owner).await?;
        let Some(tier) = latest.filter(|tier| *tier != adjustment.tier) else {
            return Ok(());
        };
        if self.usage.rules().await?.plans.find(&tier).is_err() {
            return Ok(());
        }
        let problem = format!("must be '{tier}', the plan of the owner's latest charge");
        Err(Error::invalid("tier", &problem))
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
        if before.state == State::Suspended {
            self.refuse_what_is_kept(&before).await?;
        }
        let actor = actor.to_owned();
        let resolution = Resolution { id, cost, actor };
        let done = self.usage.post(Instruction::Resolve(resolution)).await?;
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

//! Ends that come from outside a worker's hands: an owner's, and a reservation's that was lost.
//! Both lock the task's row first and its attempts after it, as every worker does.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect};
use types::{GenerationId, Microusd, Timestamp, UserId};
use uuid::Uuid;

use super::entity::{outbox, tasks};
use super::{Store, attempts, events, failed, rows, transitions};
use crate::domain::attempt::AttemptState;
use crate::domain::bill::believed;
use crate::domain::error::{Error, TooLate};
use crate::domain::events::{EventKind, Step};
use crate::domain::generation::{Failure, Generation, Status};
use crate::domain::ports::Tasks;
use crate::domain::settlement::{Call, Debt, Resolution};

const LIVING: [Status; 2] = [Status::Pending, Status::Processing];

impl Store {
    pub(super) async fn cancel_task(
        &self,
        owner: UserId,
        id: GenerationId,
        stoppable: &[String],
        now: Timestamp,
    ) -> Result<(Generation, bool), Error> {
        let tx = self.db.begin().await.map_err(failed)?;
        let found = lock(&*tx, id.uuid()).await?;
        // A result that is being kept is the owner's, and counted.
        let open = found.filter(|row| row.owner == owner.uuid() && is_living(row) && !row.keeping);
        let Some(open) = open else {
            tx.rollback().await.map_err(failed)?;
            let generation = self.find(owner, id).await?;
            return match generation.status {
                Status::Cancelled => Ok((generation, false)),
                status if status.is_terminal() => Err(Error::Ended(status)),
                _ => Err(Error::TooLate(TooLate::Keeping)),
            };
        };
        let last = attempts::last_of(&*tx, id).await?;
        let price = rows::price(&open);
        let micros = now.micros();
        // An order that has left will be done and billed, whoever still wants it; unless it can be
        // stopped: then what it costs is told later.
        let is_stoppable = (last.as_ref()).is_some_and(|last| stoppable.contains(&last.provider));
        let said = last.and_then(|last| last.job?.cost_microusd).map(Microusd);
        let taken = price.filter(|_| !is_stoppable);
        let taken = taken.map(|price| believed(said, price));
        attempts::cancel(&*tx, open.id, taken, micros).await?;
        let resolution = Resolution::of(price, &attempts::billed(&*tx, open.id).await?);
        let step = Step::saying(EventKind::Cancelled, "");
        let cost = resolution.cost();
        let change = transitions::ended(&step, micros, Status::Cancelled, cost, &resolution)?
            .filter(tasks::Column::Id.eq(open.id));
        let row = events::apply(&*tx, change, &step).await?;
        let row = row.ok_or(Error::NotFound)?;
        self.announce(&*tx, &row, &[]).await?;
        self.owe(&*tx, &row, &Call::Resolve(resolution)).await?;
        tx.commit().await.map_err(failed)?;
        Ok((rows::generation(row, Vec::new())?, true))
    }

    pub(super) async fn lose_reservation(
        &self,
        debt: &Debt,
        failure: &Failure,
    ) -> Result<bool, Error> {
        let now = self.clock.now().micros();
        let tx = self.db.begin().await.map_err(failed)?;
        let task = debt.task.uuid();
        let living = lock(&*tx, task).await?.filter(is_living);
        let mut has_ended = false;
        if let Some(living) = living {
            tasks::Entity::update_many()
                .col_expr(tasks::Column::ReservationLost, Expr::value(true))
                .filter(tasks::Column::Id.eq(task))
                .exec(&*tx)
                .await
                .map_err(failed)?;
            let last = attempts::last_of(&*tx, debt.task).await?;
            let is_under_way = living.keeping
                || last.is_some_and(|last| {
                    !matches!(last.state, AttemptState::Planned | AttemptState::Failed)
                });
            if !is_under_way {
                self.fail_unbegun(&*tx, task, now, failure).await?;
                has_ended = true;
            }
        }
        let delivered = outbox::Entity::delete_by_id(debt.id).exec(&*tx);
        delivered.await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(has_ended)
    }

    // Whoever has the task finds the number moved on before it sends anything.
    async fn fail_unbegun(
        &self,
        db: &impl ConnectionTrait,
        task: Uuid,
        now: i64,
        failure: &Failure,
    ) -> Result<(), Error> {
        let step = Step::saying(EventKind::Failed, failure.message.clone());
        let resolution = Resolution::Release;
        let cost = resolution.cost();
        let change = transitions::ended(&step, now, Status::Failed, cost, &resolution)?;
        let next = Expr::col(tasks::Column::Fence).add(1);
        let change = transitions::because(change, failure)
            .col_expr(tasks::Column::Fence, next)
            .filter(tasks::Column::Id.eq(task));
        let row = events::apply(db, change, &step).await?;
        attempts::cancel(db, task, None, now).await?;
        match row {
            Some(row) => self.announce(db, &row, &[]).await,
            None => Ok(()),
        }
    }
}

// Locks the task's row for the rest of the transaction.
pub(super) async fn lock(
    db: &impl ConnectionTrait,
    task: Uuid,
) -> Result<Option<tasks::Model>, Error> {
    let found = tasks::Entity::find_by_id(task).lock_exclusive().one(db);
    found.await.map_err(failed)
}

fn is_living(row: &tasks::Model) -> bool {
    LIVING.iter().any(|status| status.as_str() == row.status)
}

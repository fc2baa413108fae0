//! The ledger of attempts: every step committed before the next act.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Set, UpdateMany,
};
use types::{GenerationId, Microusd};
use uuid::Uuid;

use super::entity::{attempts, tasks};
use super::{Store, events, failed, rows, stats, unreadable};
use crate::domain::attempt::{Attempt, AttemptEnd, AttemptState};
use crate::domain::bill::Billed;
use crate::domain::error::Error;
use crate::domain::events::Step;
use crate::domain::generation::Status;
use crate::domain::ports::{Advance, Claim, PlannedAttempt};

impl Store {
    pub(super) async fn read_last_attempt(
        &self,
        task: GenerationId,
    ) -> Result<Option<Attempt>, Error> {
        // From the writer: on a replica the last step might still be missing.
        last_of(self.db.write(), task).await
    }

    pub(super) async fn plan_attempt(
        &self,
        claim: Claim,
        attempt: &PlannedAttempt,
    ) -> Result<Option<i64>, Error> {
        let now = self.clock.now().micros();
        let tx = self.db.begin().await.map_err(failed)?;
        // Under the lock whoever marks a reservation as lost takes, too.
        if hold(&*tx, claim).await?.is_reservation_lost {
            return Ok(None);
        }
        let task = claim.task.uuid();
        let abandoned = in_states(task, &[AttemptState::Planned, AttemptState::Sent]);
        let abandoned = end(abandoned, AttemptState::Failed, now)
            .col_expr(attempts::Column::ErrorClass, Expr::value("abandoned"));
        abandoned.exec(&*tx).await.map_err(failed)?;
        let before = last(claim.task).one(&*tx).await.map_err(failed)?;
        let number = before.map_or(1, |row| row.number + 1);
        let planned = attempts::ActiveModel {
            task_id: Set(task),
            number: Set(number),
            fence: Set(claim.fence),
            provider: Set(attempt.provider.clone()),
            model: Set(attempt.model.clone()),
            state: Set(AttemptState::Planned.as_str().to_owned()),
            job: Set(None),
            price_microusd: Set(attempt.price.0),
            cost_microusd: Set(None),
            tokens: Set(None),
            error_class: Set(None),
            error_detail: Set(None),
            created_at: Set(now),
            sent_at: Set(None),
            ended_at: Set(None),
            resolved_at: Set(None),
            resolved_by: Set(None),
            note: Set(None),
            stop_at: Set(None),
        };
        let inserted = attempts::Entity::insert(planned).exec_without_returning(&*tx);
        inserted.await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(Some(number))
    }

    pub(super) async fn advance_attempt(
        &self,
        claim: Claim,
        number: i64,
        advance: &Advance,
        step: &Step,
    ) -> Result<(), Error> {
        let now = self.clock.now().micros();
        let tx = self.db.begin().await.map_err(failed)?;
        hold(&*tx, claim).await?;
        let task = claim.task.uuid();
        let one = |from| in_states(task, from).filter(attempts::Column::Number.eq(number));
        // Each may be written twice when nobody knows whether the first time counted.
        let update = match advance {
            Advance::Sent => one(&[AttemptState::Planned, AttemptState::Sent])
                .col_expr(attempts::Column::State, word(AttemptState::Sent))
                .col_expr(attempts::Column::SentAt, Expr::value(now)),
            Advance::Accepted(job) => {
                let job = serde_json::to_string(job).map_err(|_| unreadable("job"))?;
                one(&[AttemptState::Sent, AttemptState::Accepted])
                    .col_expr(attempts::Column::State, word(AttemptState::Accepted))
                    .col_expr(attempts::Column::Job, Expr::value(job))
            }
        };
        let updated = update.exec(&*tx).await.map_err(failed)?;
        if updated.rows_affected == 0 {
            return Err(Error::Lost);
        }
        let sends = attempts::Entity::find()
            .filter(attempts::Column::TaskId.eq(task))
            .filter(attempts::Column::SentAt.is_not_null());
        let sends = sends.count(&*tx).await.map_err(failed)?;
        let sends = i64::try_from(sends).unwrap_or(i64::MAX);
        let change =
            events::change(step, now).col_expr(tasks::Column::Attempts, Expr::value(sends));
        let row = events::apply(&*tx, events::held(change, claim), step).await?;
        row.ok_or(Error::Lost)?;
        tx.commit().await.map_err(failed)
    }
}

/// Writes down how an attempt ended.
pub(super) async fn close(
    db: &impl ConnectionTrait,
    task: Uuid,
    ended: &AttemptEnd,
    now: i64,
) -> Result<(), Error> {
    let update = open(task).filter(attempts::Column::Number.eq(ended.number));
    let update = end(update, ended.state, now)
        .col_expr(attempts::Column::ErrorClass, Expr::value(ended.class))
        .col_expr(
            attempts::Column::ErrorDetail,
            Expr::value(ended.detail.replace('\0', "")),
        )
        .col_expr(attempts::Column::CostMicrousd, cost(ended.cost))
        .col_expr(attempts::Column::Tokens, Expr::value(ended.tokens));
    let update = match (ended.state, ended.cost) {
        (AttemptState::Unknown, None) => to_be_stopped(update),
        _ => update,
    };
    counted(db, update, task, ended.number).await
}

/// Writes down that an attempt brought the result.
pub(super) async fn succeed(
    db: &impl ConnectionTrait,
    task: Uuid,
    number: i64,
    (taken, tokens): (Microusd, Option<i64>),
    now: i64,
) -> Result<(), Error> {
    let update = open(task).filter(attempts::Column::Number.eq(number));
    let update = end(update, AttemptState::Succeeded, now)
        .col_expr(attempts::Column::CostMicrousd, cost(Some(taken)))
        .col_expr(attempts::Column::Tokens, Expr::value(tokens));
    counted(db, update, task, number).await
}

// Ends an attempt and counts it, once.
async fn counted(
    db: &impl ConnectionTrait,
    update: UpdateMany<attempts::Entity>,
    task: Uuid,
    number: i64,
) -> Result<(), Error> {
    let ended = update.exec(db).await.map_err(failed)?;
    match ended.rows_affected {
        0 => Ok(()),
        _ => stats::count(db, task, number).await,
    }
}

/// Closes whatever is open of a task that ends from outside: what has left is taken to cost this, or,
/// when nobody knows yet, to be stopped.
pub(super) async fn cancel(
    db: &impl ConnectionTrait,
    task: Uuid,
    taken: Option<Microusd>,
    now: i64,
) -> Result<(), Error> {
    let planned = &[AttemptState::Planned][..];
    let left = &[AttemptState::Sent, AttemptState::Accepted][..];
    for (from, to, taken) in [
        (planned, AttemptState::Failed, Some(Microusd(0))),
        (left, AttemptState::Unknown, taken),
    ] {
        let update = end(in_states(task, from), to, now)
            .col_expr(attempts::Column::ErrorClass, Expr::value("cancelled"))
            .col_expr(attempts::Column::CostMicrousd, cost(taken));
        let update = match taken {
            Some(_) => update,
            None => to_be_stopped(update),
        };
        update.exec(db).await.map_err(failed)?;
    }
    Ok(())
}

/// Writes down what an operator says an attempt cost.
pub(super) async fn resolve(
    db: &impl ConnectionTrait,
    attempt: &attempts::Model,
) -> Result<(), Error> {
    let update = in_states(attempt.task_id, &[AttemptState::Unknown])
        .filter(attempts::Column::Number.eq(attempt.number))
        .col_expr(
            attempts::Column::CostMicrousd,
            Expr::value(attempt.cost_microusd),
        )
        .col_expr(
            attempts::Column::ResolvedAt,
            Expr::value(attempt.resolved_at),
        )
        .col_expr(
            attempts::Column::ResolvedBy,
            Expr::value(attempt.resolved_by.clone()),
        )
        .col_expr(attempts::Column::Note, Expr::value(attempt.note.clone()));
    update.exec(db).await.map_err(failed)?;
    Ok(())
}

/// A task's attempts that have ended and may have to be paid, in their order.
pub(super) async fn billed(db: &impl ConnectionTrait, task: Uuid) -> Result<Vec<Billed>, Error> {
    let may_cost = Condition::any()
        .add(attempts::Column::CostMicrousd.gt(0))
        .add(attempts::Column::State.eq(AttemptState::Succeeded.as_str()))
        .add(attempts::Column::State.eq(AttemptState::Unknown.as_str()));
    let found = attempts::Entity::find()
        .filter(attempts::Column::TaskId.eq(task))
        .filter(may_cost)
        .order_by_asc(attempts::Column::Number);
    let found = found.all(db).await.map_err(failed)?;
    found.into_iter().map(rows::billed).collect()
}

/// A task's last attempt, as this transaction sees it.
pub(super) async fn last_of(
    db: &impl ConnectionTrait,
    task: GenerationId,
) -> Result<Option<Attempt>, Error> {
    let row = last(task).one(db).await.map_err(failed)?;
    row.as_ref().map(rows::attempt).transpose()
}

struct Held {
    is_reservation_lost: bool,
}

// Locks the task's row for the rest of the transaction, if it is still the worker's. Always before
// its attempts: whoever cancels locks in the same order, so none waits for the other for ever.
async fn hold(db: &impl ConnectionTrait, claim: Claim) -> Result<Held, Error> {
    let held: Option<bool> = tasks::Entity::find()
        .select_only()
        .column(tasks::Column::ReservationLost)
        .filter(tasks::Column::Id.eq(claim.task.uuid()))
        .filter(tasks::Column::Fence.eq(claim.fence))
        .filter(tasks::Column::Status.eq(Status::Processing.as_str()))
        .lock_exclusive()
        .into_tuple()
        .one(db)
        .await
        .map_err(failed)?;
    let is_reservation_lost = held.ok_or(Error::Lost)?;
    Ok(Held {
        is_reservation_lost,
    })
}

fn last(task: GenerationId) -> sea_orm::Select<attempts::Entity> {
    attempts::Entity::find()
        .filter(attempts::Column::TaskId.eq(task.uuid()))
        .order_by_desc(attempts::Column::Number)
        .limit(1)
}

fn open(task: Uuid) -> UpdateMany<attempts::Entity> {
    let states = [
        AttemptState::Planned,
        AttemptState::Sent,
        AttemptState::Accepted,
    ];
    in_states(task, &states)
}

fn in_states(task: Uuid, states: &[AttemptState]) -> UpdateMany<attempts::Entity> {
    let words = states.iter().map(|state| state.as_str());
    attempts::Entity::update_many()
        .filter(attempts::Column::TaskId.eq(task))
        .filter(attempts::Column::State.is_in(words))
}

fn end(
    update: UpdateMany<attempts::Entity>,
    state: AttemptState,
    now: i64,
) -> UpdateMany<attempts::Entity> {
    update
        .col_expr(attempts::Column::State, word(state))
        .col_expr(attempts::Column::EndedAt, Expr::value(now))
}

// Of what became a job, its provider can be asked; before any clock, so at once.
fn to_be_stopped(update: UpdateMany<attempts::Entity>) -> UpdateMany<attempts::Entity> {
    let due = Expr::cust("CASE WHEN job IS NULL THEN NULL ELSE 0 END");
    update.col_expr(attempts::Column::StopAt, due)
}

fn word(state: AttemptState) -> Expr {
    Expr::value(state.as_str())
}

fn cost(taken: Option<Microusd>) -> Expr {
    Expr::value(taken.map(|cost| cost.0))
}

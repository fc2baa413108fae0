//! The ledger of attempts: what is read of it, and how attempts end that no worker is at.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    UpdateMany,
};
use types::{GenerationId, Microusd};
use uuid::Uuid;

use super::entity::attempts;
use super::{Store, failed, rows, stats};
use crate::domain::attempt::{Attempt, AttemptEnd, AttemptState};
use crate::domain::bill::Billed;
use crate::domain::error::Error;

impl Store {
    pub(super) async fn read_last_attempt(
        &self,
        task: GenerationId,
    ) -> Result<Option<Attempt>, Error> {
        // From the writer: on a replica the last step might still be missing.
        last_of(self.db.write(), task).await
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
    let update = match ended.has_left() {
        true => update,
        false => update.col_expr(attempts::Column::SentAt, Expr::value(None::<i64>)),
    };
    counted(db, update, task, ended.number).await
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

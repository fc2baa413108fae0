//! What becomes of a task: it is given back to the queue, or ends.

use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, EntityTrait, Set, UpdateMany};
use types::Microusd;
use uuid::Uuid;

use super::entity::{outputs, tasks};
use super::outbox::micros;
use super::{Store, attempts, events, failed, written};
use crate::domain::attempt::AttemptEnd;
use crate::domain::error::Error;
use crate::domain::events::Step;
use crate::domain::generation::{Failure, Output, Status};
use crate::domain::ports::{Claim, PutBack};
use crate::domain::route::Candidate;
use crate::domain::settlement::Resolution;

impl Store {
    pub(super) async fn return_to_queue(&self, claim: Claim, back: &PutBack) -> Result<(), Error> {
        let now = self.clock.now().micros();
        let rest = micros(back.rest);
        let run_at = Expr::cust(format!("{} + {rest}", self.now_sql()));
        let is_resting = !back.rest.is_zero();
        let tx = self.db.begin().await.map_err(failed)?;
        let change = onto(events::change(&back.step, now), back.onto.as_ref())?;
        let change = without_worker(change, Status::Pending)
            .col_expr(tasks::Column::RunAt, run_at)
            .col_expr(tasks::Column::Resting, Expr::value(is_resting));
        let change = without_send(change, back.attempt.as_ref());
        let row = events::apply(&*tx, events::held(change, claim), &back.step).await?;
        row.ok_or(Error::Lost)?;
        if let Some(end) = &back.attempt {
            attempts::close(&*tx, claim.task.uuid(), end, now).await?;
        }
        tx.commit().await.map_err(failed)
    }
}

/// The task ends like this, and keeps what its reservation becomes.
pub(super) fn ended(
    step: &Step,
    now: i64,
    status: Status,
    cost: Microusd,
    resolution: &Resolution,
) -> Result<UpdateMany<tasks::Entity>, Error> {
    let resolution = Expr::value(written(resolution)?);
    Ok(without_worker(events::change(step, now), status)
        .col_expr(tasks::Column::CompletedAt, Expr::value(now))
        .col_expr(tasks::Column::CostMicrousd, Expr::value(cost.0))
        .col_expr(tasks::Column::Resolution, resolution))
}

/// It failed because of this.
pub(super) fn because(
    update: UpdateMany<tasks::Entity>,
    failure: &Failure,
) -> UpdateMany<tasks::Entity> {
    let reason = Expr::value(failure.reason.as_str_name());
    update
        .col_expr(tasks::Column::FailureReason, reason)
        .col_expr(
            tasks::Column::FailureMessage,
            Expr::value(failure.message.clone()),
        )
}

// Nobody was asked by an attempt whose order never left.
fn without_send(
    update: UpdateMany<tasks::Entity>,
    ended: Option<&AttemptEnd>,
) -> UpdateMany<tasks::Entity> {
    let Some(ended) = ended.filter(|ended| !ended.has_left()) else {
        return update;
    };
    let others = format!(
        "(SELECT COUNT(*) FROM attempts WHERE task_id = tasks.id
            AND number <> {} AND sent_at IS NOT NULL)",
        ended.number
    );
    update.col_expr(tasks::Column::Attempts, Expr::cust(others))
}

// Somebody else does it from now on.
fn onto(
    update: UpdateMany<tasks::Entity>,
    next: Option<&Candidate>,
) -> Result<UpdateMany<tasks::Entity>, Error> {
    let Some(next) = next else {
        return Ok(update);
    };
    let ignored = Expr::value(written(&next.ignored)?);
    Ok(update
        .col_expr(tasks::Column::Provider, Expr::value(next.provider.as_str()))
        .col_expr(tasks::Column::Model, Expr::value(next.model.as_str()))
        .col_expr(tasks::Column::Ignored, ignored))
}

/// The task leaves its worker's hands.
pub(super) fn without_worker(
    update: UpdateMany<tasks::Entity>,
    status: Status,
) -> UpdateMany<tasks::Entity> {
    update
        .col_expr(tasks::Column::Status, Expr::value(status.as_str()))
        .col_expr(tasks::Column::LeaseUntil, Expr::value(None::<i64>))
        .col_expr(tasks::Column::Worker, Expr::value(None::<String>))
        .col_expr(tasks::Column::Keeping, Expr::value(false))
}

pub(super) async fn insert_outputs(
    db: &impl ConnectionTrait,
    task: Uuid,
    made: &[Output],
) -> Result<(), Error> {
    let rows = (0_i64..)
        .zip(made)
        .map(|(place, output)| outputs::ActiveModel {
            task_id: Set(task),
            place: Set(place),
            file_id: Set(output.file.uuid()),
            content_type: Set(output.content_type.clone()),
            width: Set(i64::from(output.width)),
            height: Set(i64::from(output.height)),
        });
    for row in rows {
        let inserted = outputs::Entity::insert(row).exec_without_returning(db);
        inserted.await.map_err(failed)?;
    }
    Ok(())
}

//! Events: written beside the change they tell of, read in order.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    Set, UpdateMany,
};
use types::GenerationId;

use super::entity::{events, tasks};
use super::{Store, failed, rows};
use crate::domain::error::Error;
use crate::domain::events::{Event, EventKind, Step};
use crate::domain::generation::Status;
use crate::domain::ports::Claim;

/// A change of a task that its watcher sees: one UPDATE that also takes the next event's number.
pub(super) fn change(step: &Step, now: i64) -> UpdateMany<tasks::Entity> {
    let next = Expr::col(tasks::Column::LastSequence).add(1);
    let mut update = tasks::Entity::update_many()
        .col_expr(tasks::Column::LastSequence, next)
        .col_expr(tasks::Column::UpdatedAt, Expr::value(now));
    if let Some(progress) = step.progress {
        let progress = i64::from(progress);
        update = update.col_expr(tasks::Column::Progress, Expr::value(progress));
    }
    if step.kind == EventKind::Storing {
        update = update.col_expr(tasks::Column::Keeping, Expr::value(true));
    }
    update
}

/// Only while the worker holds the task: the fence of every write.
pub(super) fn held(update: UpdateMany<tasks::Entity>, claim: Claim) -> UpdateMany<tasks::Entity> {
    update
        .filter(tasks::Column::Id.eq(claim.task.uuid()))
        .filter(tasks::Column::Fence.eq(claim.fence))
        .filter(tasks::Column::Status.eq(Status::Processing.as_str()))
}

/// Makes a change and writes its event; the changed row, or none when the filters found none.
pub(super) async fn apply(
    db: &impl ConnectionTrait,
    update: UpdateMany<tasks::Entity>,
    step: &Step,
) -> Result<Option<tasks::Model>, Error> {
    let rows = update.exec_with_returning(db).await.map_err(failed)?;
    let Some(row) = rows.into_iter().next() else {
        return Ok(None);
    };
    append(db, &row, step.kind, &step.message).await?;
    Ok(Some(row))
}

/// Writes the event whose number `row` has just taken.
pub(super) async fn append(
    db: &impl ConnectionTrait,
    row: &tasks::Model,
    kind: EventKind,
    message: &str,
) -> Result<(), Error> {
    let event = events::ActiveModel {
        task_id: Set(row.id),
        sequence: Set(row.last_sequence),
        kind: Set(kind.as_str().to_owned()),
        status: Set(row.status.clone()),
        progress: Set(row.progress),
        message: Set(message.to_owned()),
        created_at: Set(row.updated_at),
    };
    let inserted = events::Entity::insert(event).exec_without_returning(db);
    inserted.await.map_err(failed)?;
    Ok(())
}

impl Store {
    pub(super) async fn read_events(
        &self,
        id: GenerationId,
        after: i64,
        limit: u64,
    ) -> Result<Vec<Event>, Error> {
        let found = events::Entity::find()
            .filter(events::Column::TaskId.eq(id.uuid()))
            .filter(events::Column::Sequence.gt(after))
            .order_by_asc(events::Column::Sequence)
            .limit(limit);
        let found = found.all(self.db.read()).await.map_err(failed)?;
        found.into_iter().map(rows::event).collect()
    }
}

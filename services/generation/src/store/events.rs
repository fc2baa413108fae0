//! Events: written beside the change they tell of, read in order.

use database::row_set::{Cell, Column, Kind, Rows, Write};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, UpdateMany,
};
use types::GenerationId;

use super::entity::{events, tasks};
use super::{Store, failed, rows as readable};
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
    let event = of(&row, step.kind, &step.message).into_active_model();
    let inserted = events::Entity::insert(event).exec_without_returning(db);
    inserted.await.map_err(failed)?;
    Ok(Some(row))
}

/// Events as they are written, many at once.
pub(super) fn rows<'a>(told: impl Iterator<Item = &'a events::Model>) -> Option<Write> {
    const EVENTS: [Column; 7] = [
        ("task_id", Kind::Id),
        ("sequence", Kind::Number),
        ("kind", Kind::Text),
        ("status", Kind::Text),
        ("progress", Kind::Number),
        ("message", Kind::Text),
        ("created_at", Kind::Number),
    ];
    let rows = told.map(|event| -> [Cell; 7] {
        [
            event.task_id.into(),
            event.sequence.into(),
            event.kind.clone().into(),
            event.status.clone().into(),
            event.progress.into(),
            event.message.clone().into(),
            event.created_at.into(),
        ]
    });
    let sql = "INSERT INTO events (task_id, sequence, kind, status, progress, message, created_at)
        SELECT task_id, sequence, kind, status, progress, message, created_at FROM {given}";
    Write::new("events_told", sql, Rows::new(&EVENTS, rows))
}

/// The event whose number `row` has just taken.
pub(super) fn of(row: &tasks::Model, kind: EventKind, message: &str) -> events::Model {
    events::Model {
        task_id: row.id,
        sequence: row.last_sequence,
        kind: kind.as_str().to_owned(),
        status: row.status.clone(),
        progress: row.progress,
        message: message.to_owned(),
        created_at: row.updated_at,
    }
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
        found.into_iter().map(readable::event).collect()
    }
}

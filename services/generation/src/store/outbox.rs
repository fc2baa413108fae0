//! Calls owed to the usage service: written with the change that owes them, taken one by one.

use std::time::Duration;

use async_trait::async_trait;
use database::row_set::{Column, Kind, Rows};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ModelTrait, QueryFilter, Set, Statement};
use uuid::Uuid;

use super::entity::{outbox, tasks};
use super::{Store, failed, rows, written};
use crate::domain::error::Error;
use crate::domain::generation::Failure;
use crate::domain::ports::Outbox;
use crate::domain::settlement::{Call, Debt, Resolution};

impl Store {
    /// Owes a call for a task's reservation; due at once.
    pub(super) async fn owe(
        &self,
        db: &impl ConnectionTrait,
        row: &tasks::Model,
        call: &Call,
    ) -> Result<(), Error> {
        let Some(reservation) = row.reservation_id else {
            return Ok(());
        };
        let actuals = match call {
            Call::Resolve(Resolution::Settle(actuals)) => Some(written(actuals)?),
            // What was given back is given back.
            Call::Resolve(Resolution::Release) if row.reservation_lost => return Ok(()),
            _ => None,
        };
        let owed = outbox::ActiveModel {
            id: Set(Uuid::now_v7()),
            kind: Set(call.as_str().to_owned()),
            actuals: Set(actuals),
            reservation_id: Set(reservation),
            task_id: Set(row.id),
            // Before any clock: whatever its database says, now is later.
            due_at: Set(0),
            tries: Set(0),
        };
        // Owed once, however often it is said.
        let once = OnConflict::columns([outbox::Column::TaskId, outbox::Column::Kind])
            .do_nothing()
            .to_owned();
        let inserted = outbox::Entity::insert(owed).on_conflict(once);
        inserted.exec_without_returning(db).await.map_err(failed)?;
        Ok(())
    }
}

impl Store {
    // What is resolved now need not be confirmed any more. A confirmation that somebody else just takes is
    // left to them: they find it overtaken.
    async fn overtake(
        &self,
        db: &impl ConnectionTrait,
        taken: &[outbox::Model],
    ) -> Result<(), Error> {
        const TASKS: [Column; 1] = [("task_id", Kind::Id)];
        let confirm = Call::Confirm.as_str();
        let resolved = taken.iter().filter(|row| row.kind != confirm);
        let resolved = Rows::new(&TASKS, resolved.map(|row| [row.task_id.into()]));
        if resolved.is_empty() {
            return Ok(());
        }
        let skip_locked = self.skip_locked();
        let sql = format!(
            "DELETE FROM outbox WHERE id IN (
                SELECT id FROM outbox WHERE task_id IN (SELECT task_id FROM {{given}})
                    AND kind = 'confirm' AND tries = 0 {skip_locked})"
        );
        let statement = resolved.statement(db, &sql).map_err(failed)?;
        db.execute_raw(statement).await.map_err(failed)?;
        Ok(())
    }
}

#[async_trait]
impl Outbox for Store {
    // A task's confirmation that is on its way is waited for, and what ends its suspense goes last. A
    // confirmation that was overtaken need not go at all. Asked of one row after
    // the other, in the index's order, and no further than to the last one taken: not as a join.
    async fn take_due(&self, limit: u64, hold: Duration) -> Result<Vec<Debt>, Error> {
        let tx = self.db.begin().await.map_err(failed)?;
        let now = self.now_sql();
        let skip_locked = self.skip_locked();
        let sql = format!(
            "WITH due AS MATERIALIZED (
                SELECT id FROM outbox AS one
                WHERE due_at <= {now} AND (
                    SELECT 1 FROM outbox AS other WHERE other.task_id = one.task_id AND (
                        (other.kind = 'confirm' AND other.tries > 0 AND one.kind <> 'confirm')
                        OR (other.kind = 'suspend' AND one.kind IN ('settle', 'release')))
                    LIMIT 1) IS NULL
                ORDER BY due_at, id LIMIT $1 {skip_locked})
            UPDATE outbox SET due_at = {now} + $2, tries = tries + 1
            WHERE id IN (SELECT id FROM due) RETURNING *"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let values = [limit.into(), micros(hold).into()];
        let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
        let taken = outbox::Entity::find().from_raw_sql(statement);
        let taken = taken.all(&*tx).await.map_err(failed)?;
        self.overtake(&*tx, &taken).await?;
        let overtaken = resolved(&*tx, &taken).await?;
        let mut debts = Vec::new();
        for row in taken {
            if row.kind == Call::Confirm.as_str() && overtaken.contains(&row.task_id) {
                row.delete(&*tx).await.map_err(failed)?;
            } else {
                debts.push(rows::debt(&row)?);
            }
        }
        tx.commit().await.map_err(failed)?;
        Ok(debts)
    }

    async fn lose(&self, debt: &Debt, failure: &Failure) -> Result<bool, Error> {
        self.lose_reservation(debt, failure).await
    }

    async fn close(&self, debts: &[Uuid]) -> Result<(), Error> {
        let ids = debts.iter().copied();
        let line = self.db.writing().await.map_err(failed)?;
        let closed = outbox::Entity::delete_many().filter(outbox::Column::Id.is_in(ids));
        closed.exec(&line).await.map_err(failed)?;
        line.hand_on();
        Ok(())
    }

    async fn postpone(&self, debt: &Debt, rest: Duration) -> Result<(), Error> {
        let now = self.now_sql();
        let sql = format!("UPDATE outbox SET due_at = {now} + $1 WHERE id = $2");
        let db = self.db.write();
        let values = [micros(rest).into(), debt.id.into()];
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        db.execute_raw(statement).await.map_err(failed)?;
        Ok(())
    }
}

async fn resolved(db: &impl ConnectionTrait, taken: &[outbox::Model]) -> Result<Vec<Uuid>, Error> {
    let confirms = (taken.iter()).filter(|row| row.kind == Call::Confirm.as_str());
    let tasks: Vec<Uuid> = confirms.map(|row| row.task_id).collect();
    if tasks.is_empty() {
        return Ok(Vec::new());
    }
    let found = outbox::Entity::find()
        .filter(outbox::Column::TaskId.is_in(tasks))
        .filter(outbox::Column::Kind.ne(Call::Confirm.as_str()));
    let found = found.all(db).await.map_err(failed)?;
    Ok(found.into_iter().map(|row| row.task_id).collect())
}

pub(super) fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX / 4)
}

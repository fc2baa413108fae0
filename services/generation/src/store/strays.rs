//! Attempts whose provider is asked to stop: taken when they are due, like calls that are owed.

use std::time::Duration;

use async_trait::async_trait;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, Statement, UpdateMany,
};
use types::{GenerationId, Microusd, Timestamp};

use super::entity::attempts;
use super::outbox::micros;
use super::{Store, ends, failed, unreadable, written};
use crate::domain::attempt::AttemptState;
use crate::domain::error::Error;
use crate::domain::strays::{Learned, Stray, Strays};

#[async_trait]
impl Strays for Store {
    async fn take_strays(&self, limit: u64, hold: Duration) -> Result<Vec<Stray>, Error> {
        // Looked up without a lock: there are none nearly always.
        let any = attempts::Entity::find()
            .filter(attempts::Column::StopAt.is_not_null())
            .limit(1);
        let any = any.one(self.db.read()).await.map_err(failed)?;
        if any.is_none() {
            return Ok(Vec::new());
        }
        let now = self.now_sql();
        let skip_locked = self.skip_locked();
        let sql = format!(
            "WITH due AS MATERIALIZED (
                SELECT task_id, number FROM attempts WHERE stop_at <= {now}
                ORDER BY stop_at LIMIT $1 {skip_locked})
            UPDATE attempts SET stop_at = {now} + $2
            WHERE (task_id, number) IN (SELECT task_id, number FROM due) RETURNING *"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let tx = self.db.begin().await.map_err(failed)?;
        let values = [limit.into(), micros(hold).into()];
        let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
        let taken = attempts::Entity::find().from_raw_sql(statement);
        let taken = taken.all(&*tx).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        taken.into_iter().map(stray).collect()
    }

    async fn learn(
        &self,
        task: GenerationId,
        number: i64,
        learned: &Learned,
    ) -> Result<bool, Error> {
        let tx = self.db.begin().await.map_err(failed)?;
        // The task first, as everybody locks.
        let row = ends::lock(&*tx, task.uuid()).await?;
        let row = row.ok_or(Error::NotFound)?;
        let open = one(task, number)
            .filter(attempts::Column::State.eq(AttemptState::Unknown.as_str()))
            .filter(attempts::Column::CostMicrousd.is_null());
        let update = match learned {
            Learned::Taken(job) => open
                .filter(attempts::Column::Job.is_null())
                .col_expr(attempts::Column::Job, Expr::value(written(job)?))
                .col_expr(attempts::Column::StopAt, Expr::value(0_i64)),
            Learned::Cost(cost, tokens) => open
                .col_expr(attempts::Column::CostMicrousd, Expr::value(cost.0))
                .col_expr(attempts::Column::Tokens, Expr::value(*tokens)),
        };
        let updated = update.exec(&*tx).await.map_err(failed)?;
        if updated.rows_affected == 0 {
            return Ok(false);
        }
        if matches!(learned, Learned::Cost(..)) {
            self.end_suspense(&*tx, &row).await?;
        }
        tx.commit().await.map_err(failed)?;
        Ok(true)
    }

    async fn leave_stray(&self, stray: &Stray, rest: Option<Duration>) -> Result<(), Error> {
        let due = rest.map(|rest| format!("{} + {}", self.now_sql(), micros(rest)));
        let due = due.map_or(Expr::value(None::<i64>), Expr::cust);
        let update = one(stray.task, stray.number).col_expr(attempts::Column::StopAt, due);
        update.exec(self.db.write()).await.map_err(failed)?;
        Ok(())
    }
}

fn one(task: GenerationId, number: i64) -> UpdateMany<attempts::Entity> {
    attempts::Entity::update_many()
        .filter(attempts::Column::TaskId.eq(task.uuid()))
        .filter(attempts::Column::Number.eq(number))
}

fn stray(row: attempts::Model) -> Result<Stray, Error> {
    let job = row.job.as_deref().ok_or_else(|| unreadable("job"))?;
    Ok(Stray {
        task: GenerationId(row.task_id),
        number: row.number,
        provider: row.provider,
        job: serde_json::from_str(job).map_err(|_| unreadable("job"))?,
        price: Microusd(row.price_microusd),
        since: Timestamp(row.ended_at.unwrap_or(row.created_at)),
    })
}

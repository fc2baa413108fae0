//! Results that may be given again, by what they are known by.

use std::time::Duration;

use async_trait::async_trait;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Statement, Value,
};
use types::{Timestamp, UserId};
use uuid::Uuid;

use super::entity::{outputs, tasks};
use super::outbox::micros;
use super::{Store, events, failed, rows, transitions};
use crate::domain::error::Error;
use crate::domain::events::{EventKind, Step};
use crate::domain::generation::{Output, Status};
use crate::domain::reuse::{ResultKey, Results, Reused};
use crate::domain::settlement::{Call, Resolution};

/// How many results of one owner are kept.
const MOST: u64 = 1_000;

#[async_trait]
impl Results for Store {
    async fn find_result(
        &self,
        owner: UserId,
        key: &ResultKey,
        age: Duration,
    ) -> Result<Option<Vec<Output>>, Error> {
        let sql = format!(
            "SELECT task_id FROM results WHERE owner = $1 AND name = $2 AND made_at > {} - $3",
            self.now_sql()
        );
        let db = self.db.write();
        let values: [Value; 3] = [owner.uuid().into(), key.to_vec().into(), micros(age).into()];
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        let Some(row) = db.query_one_raw(statement).await.map_err(failed)? else {
            return Ok(None);
        };
        let task: Uuid = row.try_get("", "task_id").map_err(failed)?;
        let files = outputs::Entity::find()
            .filter(outputs::Column::TaskId.eq(task))
            .order_by_asc(outputs::Column::Place);
        let files = files.all(db).await.map_err(failed)?;
        Ok(Some(files.into_iter().map(rows::output).collect()))
    }

    async fn forget_result(&self, owner: UserId, key: &ResultKey) -> Result<(), Error> {
        let db = self.db.write();
        let sql = "DELETE FROM results WHERE owner = $1 AND name = $2";
        let values: [Value; 2] = [owner.uuid().into(), key.to_vec().into()];
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        db.execute_raw(statement).await.map_err(failed)?;
        Ok(())
    }

    async fn sweep_results(&self, age: Duration, limit: u64) -> Result<u64, Error> {
        let (now, age) = (self.now_sql(), micros(age));
        let sql = format!(
            "DELETE FROM results WHERE (owner, name) IN (
                SELECT owner, name FROM (
                    SELECT owner, name, made_at,
                        ROW_NUMBER() OVER (PARTITION BY owner ORDER BY made_at DESC, name) AS place
                    FROM results) AS placed
                WHERE made_at <= {now} - {age} OR place > {MOST} LIMIT {limit})"
        );
        let swept = self.db.write().execute_unprepared(&sql).await;
        Ok(swept.map_err(failed)?.rows_affected())
    }
}

impl Store {
    /// A task that was just stored ends at once, with a result from before.
    pub(super) async fn complete_at_once(
        &self,
        db: &impl ConnectionTrait,
        task: Uuid,
        reused: &Reused,
        now: Timestamp,
    ) -> Result<tasks::Model, Error> {
        let step = Step::new(EventKind::Completed, 100);
        let resolution: &Resolution = &reused.resolution;
        let cost = resolution.cost();
        let change = transitions::ended(&step, now.micros(), Status::Completed, cost, resolution)?
            .col_expr(tasks::Column::Cached, Expr::value(true))
            .filter(tasks::Column::Id.eq(task));
        let row = events::apply(db, change, &step).await?;
        let row = row.ok_or(Error::NotFound)?;
        transitions::insert_outputs(db, task, &reused.outputs).await?;
        self.announce(db, &row, &reused.outputs).await?;
        self.owe(db, &row, &Call::Resolve(resolution.clone()))
            .await?;
        Ok(row)
    }
}

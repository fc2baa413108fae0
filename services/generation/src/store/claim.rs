//! Taking tasks and keeping them: the lease, and the number that fences off whoever lost it.

use std::time::Duration;

use sea_orm::{ConnectionTrait, EntityTrait, Statement, Value};

use super::entity::tasks;
use super::outbox::micros;
use super::{Store, events, failed, rows};
use crate::domain::error::Error;
use crate::domain::events::EventKind;
use crate::domain::ports::{Claim, Claimed};

impl Store {
    pub(super) async fn claim_due(
        &self,
        worker: &str,
        limit: u64,
        lease: Duration,
        avoid: &[String],
    ) -> Result<Vec<Claimed>, Error> {
        if !self.is_anything_due().await? {
            return Ok(Vec::new());
        }
        let tx = self.db.begin().await.map_err(failed)?;
        let sql = self.claim_sql(avoid.len());
        let mut values: Vec<Value> = vec![
            i64::try_from(limit).unwrap_or(i64::MAX).into(),
            micros(lease).into(),
            worker.into(),
            self.clock.now().micros().into(),
        ];
        values.extend(avoid.iter().map(|provider| Value::from(provider.as_str())));
        let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
        let taken = tasks::Entity::find().from_raw_sql(statement);
        let taken = taken.all(&*tx).await.map_err(failed)?;
        let mut claimed = Vec::with_capacity(taken.len());
        for row in taken {
            let message = match row.fence {
                1 => "",
                _ => "a worker goes on with it",
            };
            events::append(&*tx, &row, EventKind::Started, message).await?;
            claimed.push(rows::claimed(row)?);
        }
        tx.commit().await.map_err(failed)?;
        Ok(claimed)
    }

    pub(super) async fn renew_lease(&self, claim: Claim, lease: Duration) -> Result<(), Error> {
        let now = self.now_sql();
        let sql = format!(
            "UPDATE tasks SET lease_until = {now} + $1
            WHERE id = $2 AND fence = $3 AND status = 'processing'"
        );
        let db = self.db.write();
        let values = [
            micros(lease).into(),
            claim.task.uuid().into(),
            claim.fence.into(),
        ];
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        let renewed = db.execute_raw(statement).await.map_err(failed)?;
        if renewed.rows_affected() == 0 {
            return Err(Error::Lost);
        }
        Ok(())
    }

    // Looked up without a lock: workers with nothing to do leave the writer to others.
    async fn is_anything_due(&self) -> Result<bool, Error> {
        let now = self.now_sql();
        let sql = format!(
            "SELECT 1 AS due WHERE
                EXISTS (SELECT 1 FROM tasks WHERE status = 'pending' AND run_at <= {now})
                OR EXISTS (SELECT 1 FROM tasks WHERE status = 'processing' AND lease_until <= {now})"
        );
        let db = self.db.read();
        let statement = Statement::from_string(db.get_database_backend(), sql);
        let found = db.query_one_raw(statement).await.map_err(failed)?;
        Ok(found.is_some())
    }

    // The oldest due tasks, those whose worker was lost first. A materialised choice is made once;
    // a plan that looked again while updating would take more than `limit`.
    fn claim_sql(&self, avoided: usize) -> String {
        let now = self.now_sql();
        let skip_locked = self.skip_locked();
        let places: Vec<String> = (0..avoided)
            .map(|place| format!("${}", place + 5))
            .collect();
        let avoid = match places.as_slice() {
            [] => String::new(),
            places => format!("AND provider NOT IN ({})", places.join(", ")),
        };
        format!(
            "WITH lost AS MATERIALIZED (
                SELECT id FROM tasks WHERE status = 'processing' AND lease_until <= {now}
                ORDER BY lease_until LIMIT $1 {skip_locked}),
            due AS MATERIALIZED (
                SELECT id FROM tasks WHERE status = 'pending' AND run_at <= {now} {avoid}
                ORDER BY run_at, id LIMIT $1 {skip_locked}),
            chosen AS MATERIALIZED (
                SELECT id FROM (
                    SELECT id, 0 AS place FROM lost UNION ALL SELECT id, 1 FROM due
                ) AS either ORDER BY place, id LIMIT $1)
            UPDATE tasks SET status = 'processing', fence = fence + 1, worker = $3,
                lease_until = {now} + $2, last_sequence = last_sequence + 1, updated_at = $4
            WHERE id IN (SELECT id FROM chosen) RETURNING *"
        )
    }
}

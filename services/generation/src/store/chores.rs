//! Sweeps rows that have had their time, by the clock the rows were written by.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, Statement, Value};
use types::Timestamp;
use uuid::Builder;

use super::outbox::micros;
use super::stats::DAY;
use super::{Store, failed};
use crate::domain::chores::{Chore, Chores};
use crate::domain::error::Error;

#[async_trait]
impl Chores for Store {
    async fn sweep(&self, chore: Chore, limit: u64) -> Result<u64, Error> {
        let before = self.clock.now().micros() - micros(chore.kept_for());
        let skip_locked = self.skip_locked();
        let (sql, values): (String, Vec<Value>) = match chore {
            Chore::Tallies => (
                format!(
                    "DELETE FROM provider_stats WHERE (day, provider, model, class, shard) IN (
                        SELECT day, provider, model, class, shard FROM provider_stats
                        WHERE day < $1 ORDER BY day LIMIT {limit})"
                ),
                vec![before.div_euclid(DAY).into()],
            ),
            Chore::Batches => (
                format!(
                    "DELETE FROM batches WHERE id IN (
                        SELECT id FROM batches WHERE ended_at < $1 ORDER BY ended_at LIMIT {limit})"
                ),
                vec![before.into()],
            ),
            // Ids begin with the moment they were made at: what is older comes first.
            Chore::Events => (
                format!(
                    "DELETE FROM events WHERE (task_id, sequence) IN (
                        SELECT task_id, sequence FROM events WHERE task_id < $1 AND NOT EXISTS (
                            SELECT 1 FROM tasks WHERE id = task_id AND completed_at IS NULL)
                        ORDER BY task_id, sequence LIMIT {limit})"
                ),
                vec![first_id(Timestamp(before)).into()],
            ),
            // Locked, so that nobody takes a turn of theirs in between.
            Chore::Turns => (
                format!(
                    "DELETE FROM owners WHERE owner IN (SELECT owner FROM owners
                        WHERE last_turn < (SELECT turn FROM queue WHERE id = 1)
                        LIMIT {limit} {skip_locked})"
                ),
                Vec::new(),
            ),
        };
        let db = self.db.write();
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        let swept = db.execute_raw(statement).await.map_err(failed)?;
        Ok(swept.rows_affected())
    }
}

// No id that was made at or after this moment comes before it.
fn first_id(at: Timestamp) -> uuid::Uuid {
    let millis = u64::try_from(at.micros() / 1_000).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}

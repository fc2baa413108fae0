//! The keys that clients named their calls by, and what those made.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, Statement, Value};
use types::{IdempotencyKey, UserId};
use uuid::Uuid;

use super::{Store, failed};
use crate::domain::error::{Error, KeyRefusal};
use crate::domain::ports::Keys;
use crate::domain::repeats::{KeptKey, NewKey};

// What was ordered and is not done keeps its key, however long it takes.
const UNDER_WAY: &str = "(EXISTS (SELECT 1 FROM tasks
    WHERE tasks.id = idempotency_keys.subject AND tasks.status IN ('pending', 'processing'))
    OR EXISTS (SELECT 1 FROM batches
    WHERE batches.id = idempotency_keys.subject AND batches.ended_at IS NULL))";

impl Store {
    /// Writes a key down; [`KeyRefusal::UnderWay`] when it names something already. A transaction that is
    /// just writing the same key is waited for.
    pub(super) async fn keep_key(
        &self,
        db: &impl ConnectionTrait,
        owner: Uuid,
        key: &NewKey,
    ) -> Result<(), Error> {
        let now = self.now_sql();
        let sql = format!(
            "INSERT INTO idempotency_keys (owner, name, request, subject, expires_at)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (owner, name) DO UPDATE SET request = excluded.request,
                subject = excluded.subject, expires_at = excluded.expires_at
            WHERE idempotency_keys.expires_at <= {now} AND NOT {UNDER_WAY}"
        );
        let values: [Value; 5] = [
            owner.into(),
            key.key.as_str().into(),
            key.request.to_vec().into(),
            key.subject.into(),
            key.expires_at.micros().into(),
        ];
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        let written = db.execute_raw(statement).await.map_err(failed)?;
        match written.rows_affected() {
            0 => Err(Error::Key(KeyRefusal::UnderWay)),
            _ => Ok(()),
        }
    }

    /// Takes a key back whose subject is not stored.
    pub(super) async fn drop_key(
        &self,
        db: &impl ConnectionTrait,
        owner: Uuid,
        key: &NewKey,
    ) -> Result<(), Error> {
        let sql = "DELETE FROM idempotency_keys WHERE owner = $1 AND name = $2 AND subject = $3";
        let values: [Value; 3] = [owner.into(), key.key.as_str().into(), key.subject.into()];
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        db.execute_raw(statement).await.map_err(failed)?;
        Ok(())
    }
}

#[async_trait]
impl Keys for Store {
    async fn find_key(
        &self,
        owner: UserId,
        key: &IdempotencyKey,
    ) -> Result<Option<KeptKey>, Error> {
        let now = self.now_sql();
        let sql = format!(
            "SELECT request, subject FROM idempotency_keys
            WHERE owner = $1 AND name = $2 AND (expires_at > {now} OR {UNDER_WAY})"
        );
        // From the writer: what was just committed must be seen.
        let db = self.db.write();
        let values: [Value; 2] = [owner.uuid().into(), key.as_str().into()];
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        let Some(row) = db.query_one_raw(statement).await.map_err(failed)? else {
            return Ok(None);
        };
        Ok(Some(KeptKey {
            request: row.try_get("", "request").map_err(failed)?,
            subject: row.try_get("", "subject").map_err(failed)?,
        }))
    }

    async fn sweep_keys(&self, limit: u64) -> Result<u64, Error> {
        let now = self.now_sql();
        let sql = format!(
            "DELETE FROM idempotency_keys WHERE (owner, name) IN (
                SELECT owner, name FROM idempotency_keys
                WHERE expires_at <= {now} AND NOT {UNDER_WAY} ORDER BY expires_at LIMIT {limit})"
        );
        let swept = self.db.write().execute_unprepared(&sql).await;
        Ok(swept.map_err(failed)?.rows_affected())
    }
}

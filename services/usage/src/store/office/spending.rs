//! What was spent by the minute, and whether paid work is paused. Whoever pauses or resumes makes the
//! rules a version newer, so that every process knows from its next transaction on.

use async_trait::async_trait;
use database::Transaction;
use sea_orm::FromQueryResult;
use types::Timestamp;
use uuid::Uuid;

use super::alerts;
use super::{Number, SqlOffice, change, rows};
use crate::domain::alert::Alert;
use crate::domain::error::Error;
use crate::domain::spending::{SpendingStore, Stop};
use crate::store::error::StoreError;

const STOP: &str = "SELECT id, reason, paused_at, paused_by FROM pauses WHERE resumed_at IS NULL \
    ORDER BY id LIMIT 1";

#[derive(Debug, FromQueryResult)]
struct StopRow {
    id: Uuid,
    reason: String,
    paused_at: i64,
    paused_by: String,
}

#[async_trait]
impl SpendingStore for SqlOffice {
    async fn spent(&self, first: i64, end: i64) -> Result<i64, Error> {
        let sql = "SELECT CAST(COALESCE(SUM(microusd), 0) AS BIGINT) AS n FROM spend_minutes \
                   WHERE minute >= $1 AND minute < $2";
        let found: Vec<Number> = rows(self.db.read(), sql, [first.into(), end.into()]).await?;
        Ok(found.first().map_or(0, |row| row.n))
    }

    async fn stop(&self) -> Result<Option<Stop>, Error> {
        let found: Vec<StopRow> = rows(self.db.read(), STOP, []).await?;
        Ok(found.into_iter().next().map(Stop::from))
    }

    async fn pause(&self, stop: &Stop) -> Result<(), Error> {
        let tx = self.db.begin().await.map_err(StoreError::from)?;
        if enter(&tx, stop).await? {
            tx.commit().await.map_err(StoreError::from)?;
        }
        Ok(())
    }

    async fn resume(&self, id: Uuid, by: &str, now: Timestamp) -> Result<(), Error> {
        let tx = self.db.begin().await.map_err(StoreError::from)?;
        renew_rules(&tx).await?;
        let found: Vec<StopRow> = rows(&*tx, STOP, []).await?;
        let Some(stop) = found.into_iter().next() else {
            return Ok(());
        };
        let sql = "UPDATE pauses SET resumed_at = $1, resumed_by = $2 WHERE resumed_at IS NULL";
        change(&*tx, sql, [now.micros().into(), by.into()]).await?;
        change(&*tx, "UPDATE breaker SET armed = 0", []).await?;
        let before = told(&stop.into());
        let sql = "INSERT INTO audit (id, action, target, before, after, actor, created_at) \
                   VALUES ($1, 'spending.resume', 'spending', $2, '', $3, $4)";
        let values = [id.into(), before.into(), by.into(), now.micros().into()];
        change(&*tx, sql, values).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    async fn is_armed(&self) -> Result<bool, Error> {
        let sql = "SELECT CAST(armed AS BIGINT) AS n FROM breaker";
        let found: Vec<Number> = rows(self.db.read(), sql, []).await?;
        Ok(found.first().is_some_and(|row| row.n == 1))
    }

    async fn arm(&self) -> Result<(), Error> {
        change(self.db.write(), "UPDATE breaker SET armed = 1", []).await?;
        Ok(())
    }

    async fn trip(&self, stop: &Stop, alert: &Alert) -> Result<bool, Error> {
        let tx = self.db.begin().await.map_err(StoreError::from)?;
        let sql = "UPDATE breaker SET armed = 0 WHERE armed = 1";
        if change(&*tx, sql, []).await? == 0 {
            return Ok(false);
        }
        // Paid work that an operator paused stays paused by the operator.
        let is_new = enter(&tx, stop).await?;
        if is_new {
            alerts::ring(&*tx, alert).await?;
        }
        tx.commit().await.map_err(StoreError::from)?;
        Ok(is_new)
    }

    async fn forget(&self, minute: i64) -> Result<(), Error> {
        let sql = "DELETE FROM spend_minutes WHERE minute < $1";
        change(self.db.write(), sql, [minute.into()]).await?;
        Ok(())
    }
}

// Whether paid work was not paused before.
async fn enter(tx: &Transaction, stop: &Stop) -> Result<bool, StoreError> {
    // Whoever changes rules waits here for whoever else does.
    renew_rules(tx).await?;
    let found: Vec<StopRow> = rows(&**tx, STOP, []).await?;
    if !found.is_empty() {
        return Ok(false);
    }
    let sql = "INSERT INTO pauses (id, reason, paused_at, paused_by) VALUES ($1, $2, $3, $4)";
    let (id, at) = (stop.id, stop.at.micros());
    let values = [
        id.into(),
        stop.reason.as_str().into(),
        at.into(),
        stop.by.as_str().into(),
    ];
    change(&**tx, sql, values).await?;
    let sql = "INSERT INTO audit (id, action, target, before, after, actor, created_at) \
               VALUES ($1, 'spending.pause', 'spending', '', $2, $3, $4)";
    let values = [
        id.into(),
        told(stop).into(),
        stop.by.as_str().into(),
        at.into(),
    ];
    change(&**tx, sql, values).await?;
    Ok(true)
}

async fn renew_rules(tx: &Transaction) -> Result<(), StoreError> {
    change(&**tx, "UPDATE rules_version SET version = version + 1", []).await?;
    Ok(())
}

fn told(stop: &Stop) -> String {
    serde_json::json!({"reason": stop.reason, "pausedAt": stop.at.to_string(), "pausedBy": stop.by})
        .to_string()
}

impl From<StopRow> for Stop {
    fn from(row: StopRow) -> Self {
        Self {
            id: row.id,
            reason: row.reason,
            at: Timestamp(row.paused_at),
            by: row.paused_by,
        }
    }
}

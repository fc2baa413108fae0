//! What is done once in a while, and what came of it: one row each, taken by a conditional write.

use async_trait::async_trait;
use sea_orm::FromQueryResult;
use types::Timestamp;

use super::{SqlOffice, change, rows};
use crate::domain::error::Error;
use crate::domain::reconcile::Chores;

#[derive(Debug, FromQueryResult)]
struct Outcome {
    outcome: String,
}

#[async_trait]
impl Chores for SqlOffice {
    async fn begin(&self, name: &str, before: Timestamp, now: Timestamp) -> Result<bool, Error> {
        let sql = "INSERT INTO chores (name, done_at, outcome) VALUES ($1, $2, '') \
                   ON CONFLICT (name) DO UPDATE SET done_at = $2 WHERE chores.done_at <= $3";
        let values = [name.into(), now.micros().into(), before.micros().into()];
        Ok(change(self.db.write(), sql, values).await? == 1)
    }

    async fn note(&self, name: &str, outcome: &str) -> Result<(), Error> {
        let sql = "UPDATE chores SET outcome = $2 WHERE name = $1";
        change(self.db.write(), sql, [name.into(), outcome.into()]).await?;
        Ok(())
    }

    async fn outcome(&self, name: &str) -> Result<Option<String>, Error> {
        let sql = "SELECT outcome FROM chores WHERE name = $1 AND outcome <> ''";
        let found: Vec<Outcome> = rows(self.db.read(), sql, [name.into()]).await?;
        Ok(found.into_iter().next().map(|row| row.outcome))
    }

    async fn see(&self, name: &str, value: &str, now: Timestamp) -> Result<(), Error> {
        let sql = "INSERT INTO chores (name, done_at, outcome) VALUES ($1, 0, $2) \
                   ON CONFLICT (name) DO UPDATE SET done_at = $3, outcome = $2 \
                   WHERE chores.outcome <> $2";
        let values = [name.into(), value.into(), now.micros().into()];
        change(self.db.write(), sql, values).await?;
        Ok(())
    }
}

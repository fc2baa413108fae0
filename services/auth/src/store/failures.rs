//! Wrong passwords per address, counted in one statement, so that replicas count together.

use async_trait::async_trait;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use types::Timestamp;

use super::Store;
use super::entity::login_failure::{ActiveModel, Column, Entity};
use crate::domain::{Digest, FailureStore, Failures, Result, WINDOW};

#[async_trait]
impl FailureStore for Store {
    async fn find(&self, address: Digest) -> Result<Option<Failures>> {
        let found = Entity::find_by_id(address.0.to_vec())
            .one(self.database.read())
            .await?;
        Ok(found.map(|row| Failures {
            count: row.failures,
            last_at: Timestamp(row.last_failed_at),
        }))
    }

    async fn add(&self, address: Digest, now: Timestamp) -> Result<()> {
        let row = ActiveModel {
            address_digest: Set(address.0.to_vec()),
            failures: Set(1),
            last_failed_at: Set(now.micros()),
        };
        let count = Expr::col((Entity, Column::Failures));
        let last = Expr::col((Entity, Column::LastFailedAt));
        let next = CaseStatement::new()
            .case(last.lte(horizon(now)), 1)
            .finally(count.add(1));
        let again = OnConflict::column(Column::AddressDigest)
            .value(Column::Failures, next)
            .value(Column::LastFailedAt, now.micros())
            .to_owned();
        Entity::insert(row)
            .on_conflict(again)
            .exec_without_returning(self.database.write())
            .await?;
        self.drop_old(now).await
    }

    async fn forget(&self, address: Digest) -> Result<()> {
        Entity::delete_by_id(address.0.to_vec())
            .exec(self.database.write())
            .await?;
        Ok(())
    }
}

impl Store {
    // Addresses that were tried and left would fill the table.
    async fn drop_old(&self, now: Timestamp) -> Result<()> {
        Entity::delete_many()
            .filter(Column::LastFailedAt.lte(horizon(now)))
            .exec(self.database.write())
            .await?;
        Ok(())
    }
}

fn horizon(now: Timestamp) -> i64 {
    let window = i64::try_from(WINDOW.as_micros()).unwrap_or(i64::MAX);
    now.micros().saturating_sub(window)
}

//! API keys, found by the digest of what clients send.

use async_trait::async_trait;
use database::Transaction;
use sea_orm::sea_query::{Expr, LockType, Query};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use types::{ApiKeyId, PageRequest, Timestamp, UserId};

use super::entity::api_key::{ActiveModel, Column, Entity, Model};
use super::entity::user;
use super::error::corrupt;
use super::{Store, user_admin};
use crate::domain::{
    ApiKey, ApiKeyStore, ApiKeys, AuditEvent, Digest, DisplayName, Error, PlanName, Result,
};

#[async_trait]
impl ApiKeyStore for Store {
    // The owner's row is locked first, so that of several at once each counts those before. SQLite has no
    // row locks and needs none: a transaction there is the only writer.
    async fn create(&self, key: &ApiKey, digest: Digest, event: AuditEvent) -> Result<()> {
        let transaction = self.database.begin().await?;
        let added = add(&transaction, key, digest, &event).await;
        match added {
            Ok(()) => Ok(transaction.commit().await?),
            Err(error) => {
                transaction.rollback().await?;
                Err(error)
            }
        }
    }

    async fn list(&self, owner: UserId, page: PageRequest) -> Result<Vec<ApiKey>> {
        let mut query = Entity::find().filter(Column::UserId.eq(owner.uuid()));
        if let Some(before) = page.before {
            query = query.filter(Column::Id.lt(before));
        }
        let rows = query
            .order_by_desc(Column::Id)
            .limit(page.size + 1)
            .all(self.database.read())
            .await?;
        Ok(rows.into_iter().map(key_of).collect())
    }

    async fn revoke(
        &self,
        owner: UserId,
        id: ApiKeyId,
        event: AuditEvent,
    ) -> Result<Option<(ApiKey, bool)>> {
        let transaction = self.database.begin().await?;
        let revoked = Entity::update_many()
            .col_expr(Column::RevokedAt, Expr::value(event.created_at.micros()))
            .filter(Column::Id.eq(id.uuid()))
            .filter(Column::UserId.eq(owner.uuid()))
            .filter(Column::RevokedAt.is_null())
            .exec(&*transaction)
            .await?;
        let changed = revoked.rows_affected > 0;
        if changed {
            user_admin::record(&transaction, &event).await?;
        }
        let found = Entity::find_by_id(id.uuid())
            .filter(Column::UserId.eq(owner.uuid()))
            .one(&*transaction)
            .await?;
        transaction.commit().await?;
        Ok(found.map(|row| (key_of(row), changed)))
    }

    async fn find(&self, digest: Digest) -> Result<Option<(ApiKey, PlanName)>> {
        let database = self.database.read();
        let found = Entity::find()
            .filter(Column::Digest.eq(digest.0.to_vec()))
            .one(database)
            .await?;
        let Some(row) = found else {
            return Ok(None);
        };
        let owner = user::Entity::find_by_id(row.user_id).one(database).await?;
        let Some(owner) = owner else {
            return Ok(None);
        };
        let plan = PlanName::parse(&owner.tier).map_err(|_| corrupt("users.tier"))?;
        Ok(Some((key_of(row), plan)))
    }

    async fn note_use(&self, id: ApiKeyId, now: Timestamp) -> Result<()> {
        Entity::update_many()
            .col_expr(Column::LastUsedAt, Expr::value(now.micros()))
            .filter(Column::Id.eq(id.uuid()))
            .exec(self.database.write())
            .await?;
        Ok(())
    }
}

async fn add(
    transaction: &Transaction,
    key: &ApiKey,
    digest: Digest,
    event: &AuditEvent,
) -> Result<()> {
    let connection = &**transaction;
    // Another lock than a new session's reference to the user takes, so that nobody waits for it there.
    let owner = user::Entity::find_by_id(key.owner.uuid())
        .lock(LockType::NoKeyUpdate)
        .one(connection)
        .await?;
    if owner.is_none() {
        return Err(Error::AccountGone);
    }
    let mine = Column::UserId.eq(key.owner.uuid());
    let count = Entity::find()
        .filter(mine.clone())
        .filter(is_good(key.created_at))
        .count(connection)
        .await?;
    if count >= ApiKeys::MOST {
        return Err(Error::TooManyKeys);
    }
    let mut kept = Query::select();
    kept.column(Column::Id)
        .from(Entity)
        .and_where(mine.clone())
        .cond_where(is_good(key.created_at).not())
        .order_by(Column::Id, sea_orm::Order::Desc)
        .limit(ApiKeys::KEPT);
    Entity::delete_many()
        .filter(mine)
        .filter(is_good(key.created_at).not())
        .filter(Column::Id.not_in_subquery(kept))
        .exec(connection)
        .await?;
    Entity::insert(row_of(key, digest))
        .exec_without_returning(connection)
        .await?;
    user_admin::record(transaction, event).await
}

fn is_good(now: Timestamp) -> Condition {
    let lasts = Condition::any()
        .add(Column::ExpiresAt.is_null())
        .add(Column::ExpiresAt.gt(now.micros()));
    Condition::all().add(Column::RevokedAt.is_null()).add(lasts)
}

fn row_of(key: &ApiKey, digest: Digest) -> ActiveModel {
    ActiveModel {
        id: Set(key.id.uuid()),
        user_id: Set(key.owner.uuid()),
        digest: Set(digest.0.to_vec()),
        prefix: Set(key.prefix.clone()),
        display_name: Set(key.display_name.as_str().to_owned()),
        scopes: Set(key.scopes.join(" ")),
        created_at: Set(key.created_at.micros()),
        last_used_at: Set(None),
        expires_at: Set(key.expires_at.map(Timestamp::micros)),
        revoked_at: Set(None),
    }
}

fn key_of(row: Model) -> ApiKey {
    ApiKey {
        id: ApiKeyId(row.id),
        owner: UserId(row.user_id),
        display_name: DisplayName::stored(row.display_name),
        prefix: row.prefix,
        scopes: row.scopes.split_whitespace().map(str::to_owned).collect(),
        created_at: Timestamp(row.created_at),
        last_used_at: row.last_used_at.map(Timestamp),
        expires_at: row.expires_at.map(Timestamp),
        revoked_at: row.revoked_at.map(Timestamp),
    }
}

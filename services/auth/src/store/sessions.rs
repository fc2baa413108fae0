//! Sessions: one transaction per step of a chain.

use async_trait::async_trait;
use database::Transaction;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use types::{SessionId, Timestamp, UserId};

use super::entity::session::{ActiveModel, Column, Entity};
use super::{Store, tokens};
use crate::domain::{
    Chain, Digest, EndReason, Error, NewSession, Result, RotationRule, SessionStore, Step,
    StoredToken,
};

#[async_trait]
impl SessionStore for Store {
    async fn open(&self, new: NewSession) -> Result<()> {
        let transaction = self.database.begin().await?;
        Entity::delete_many()
            .filter(Column::UserId.eq(new.user.uuid()))
            .filter(Column::ExpiresAt.lte(new.token.issued_at.micros()))
            .exec(&*transaction)
            .await?;
        insert(&transaction, &new).await?;
        Ok(transaction.commit().await?)
    }

    async fn advance(
        &self,
        presented: Digest,
        rule: RotationRule,
        now: Timestamp,
    ) -> Result<Option<(Chain, Step)>> {
        let transaction = self.database.begin().await?;
        let Some(chain) = lock_chain(&transaction, presented).await? else {
            transaction.rollback().await?;
            return Ok(None);
        };
        let step = rule(&chain);
        match step {
            Step::Rotate(child) => rotate(&transaction, &chain, &child, now).await?,
            Step::End(reason) => end(&transaction, chain.session, reason, now).await?,
            Step::Repeat(_) | Step::Refuse => {}
        }
        transaction.commit().await?;
        Ok(Some((chain, step)))
    }
}

/// Adds a session and its first token.
pub async fn insert(transaction: &Transaction, new: &NewSession) -> Result<()> {
    let row = ActiveModel {
        id: Set(new.id.uuid()),
        user_id: Set(new.user.uuid()),
        created_at: Set(new.token.issued_at.micros()),
        expires_at: Set(new.token.expires_at.micros()),
        ended_at: Set(None),
        end_reason: Set(None),
    };
    Entity::insert(row)
        .exec_without_returning(&**transaction)
        .await?;
    tokens::insert(&**transaction, new.id, &new.token).await
}

// The token says which session to lock; what it says about itself counts only once the lock is
// held. SQLite has no row locks and needs none: a transaction there is the only writer.
async fn lock_chain(transaction: &Transaction, presented: Digest) -> Result<Option<Chain>> {
    let connection = &**transaction;
    let Some((id, _)) = tokens::find(connection, presented).await? else {
        return Ok(None);
    };
    let session = Entity::find_by_id(id.uuid())
        .lock_exclusive()
        .one(connection)
        .await?;
    let token = tokens::find(connection, presented).await?;
    let (Some(session), Some((_, presented))) = (session, token) else {
        return Ok(None);
    };
    Ok(Some(Chain {
        session: id,
        user: UserId(session.user_id),
        ended: session.ended_at.is_some(),
        presented,
        active: tokens::find_active(connection, id).await?,
    }))
}

async fn rotate(
    transaction: &Transaction,
    chain: &Chain,
    child: &StoredToken,
    now: Timestamp,
) -> Result<()> {
    let connection = &**transaction;
    if !tokens::mark_used(connection, chain.presented.digest, now).await? {
        return Err(Error::internal(
            "a refresh token was used behind its session's lock",
        ));
    }
    tokens::insert(connection, chain.session, child).await?;
    tokens::drop_expired(connection, chain.session, now).await?;
    Entity::update_many()
        .col_expr(Column::ExpiresAt, Expr::value(child.expires_at.micros()))
        .filter(Column::Id.eq(chain.session.uuid()))
        .exec(connection)
        .await?;
    Ok(())
}

async fn end(
    transaction: &Transaction,
    session: SessionId,
    reason: EndReason,
    now: Timestamp,
) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::EndedAt, Expr::value(now.micros()))
        .col_expr(Column::EndReason, Expr::value(reason.as_str()))
        .filter(Column::Id.eq(session.uuid()))
        .filter(Column::EndedAt.is_null())
        .exec(&**transaction)
        .await?;
    Ok(())
}

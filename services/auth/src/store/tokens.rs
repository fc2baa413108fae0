//! Refresh tokens: rows to the domain's type and back, and the queries over one chain.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use types::{SessionId, Timestamp};

use super::entity::refresh_token::{ActiveModel, Column, Entity, Model};
use super::error::corrupt;
use crate::domain::{Digest, Lineage, Result, StoredToken};

/// The token with this digest, and its session.
pub async fn find(
    connection: &impl ConnectionTrait,
    digest: Digest,
) -> Result<Option<(SessionId, StoredToken)>> {
    let found = Entity::find_by_id(digest.0.to_vec())
        .one(connection)
        .await?;
    let read = |row: Model| Ok((SessionId(row.session_id), token(&row)?));
    found.map(read).transpose()
}

/// The one token of a session that is not used yet.
pub async fn find_active(
    connection: &impl ConnectionTrait,
    session: SessionId,
) -> Result<Option<StoredToken>> {
    let found = Entity::find()
        .filter(Column::SessionId.eq(session.uuid()))
        .filter(Column::UsedAt.is_null())
        .one(connection)
        .await?;
    found.as_ref().map(token).transpose()
}

/// Adds a token to a session.
pub async fn insert(
    connection: &impl ConnectionTrait,
    session: SessionId,
    token: &StoredToken,
) -> Result<()> {
    let row = ActiveModel {
        digest: Set(token.digest.0.to_vec()),
        session_id: Set(session.uuid()),
        parent_digest: Set(token.lineage.map(|lineage| lineage.parent.0.to_vec())),
        seed: Set(token.lineage.map(|lineage| lineage.seed.to_vec())),
        issued_at: Set(token.issued_at.micros()),
        expires_at: Set(token.expires_at.micros()),
        used_at: Set(token.used_at.map(Timestamp::micros)),
    };
    Entity::insert(row)
        .exec_without_returning(connection)
        .await?;
    Ok(())
}

/// Marks a token used; false when it was already.
pub async fn mark_used(
    connection: &impl ConnectionTrait,
    digest: Digest,
    now: Timestamp,
) -> Result<bool> {
    let updated = Entity::update_many()
        .col_expr(Column::UsedAt, Expr::value(now.micros()))
        .filter(Column::Digest.eq(digest.0.to_vec()))
        .filter(Column::UsedAt.is_null())
        .exec(connection)
        .await?;
    Ok(updated.rows_affected == 1)
}

/// Drops the tokens of a session that are good for nothing any more, not even for noticing theft.
pub async fn drop_expired(
    connection: &impl ConnectionTrait,
    session: SessionId,
    now: Timestamp,
) -> Result<()> {
    Entity::delete_many()
        .filter(Column::SessionId.eq(session.uuid()))
        .filter(Column::ExpiresAt.lte(now.micros()))
        .exec(connection)
        .await?;
    Ok(())
}

fn token(row: &Model) -> Result<StoredToken> {
    let bytes = |bytes: &Vec<u8>| <[u8; 32]>::try_from(bytes.as_slice()).ok();
    let lineage = match (&row.parent_digest, &row.seed) {
        (None, None) => None,
        (Some(parent), Some(seed)) => Some(Lineage {
            parent: Digest(bytes(parent).ok_or_else(|| corrupt("refresh_tokens.parent_digest"))?),
            seed: bytes(seed).ok_or_else(|| corrupt("refresh_tokens.seed"))?,
        }),
        _ => return Err(corrupt("refresh_tokens: half a lineage")),
    };
    Ok(StoredToken {
        digest: Digest(bytes(&row.digest).ok_or_else(|| corrupt("refresh_tokens.digest"))?),
        lineage,
        issued_at: Timestamp(row.issued_at),
        expires_at: Timestamp(row.expires_at),
        used_at: row.used_at.map(Timestamp),
    })
}

//! Table `refresh_tokens`.

use sea_orm::entity::prelude::*;

/// A refresh token: its digest, never itself.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refresh_tokens")]
pub struct Model {
    /// SHA-256 of the token.
    #[sea_orm(primary_key, auto_increment = false)]
    pub digest: Vec<u8>,
    /// The chain it belongs to.
    pub session_id: Uuid,
    /// Digest of the token it was traded for; none for the first.
    pub parent_digest: Option<Vec<u8>>,
    /// What it was derived with; none for the first.
    pub seed: Option<Vec<u8>>,
    /// Microseconds since 1970.
    pub issued_at: i64,
    /// Microseconds since 1970.
    pub expires_at: i64,
    /// When it was traded; microseconds since 1970. At most one of a session is not.
    pub used_at: Option<i64>,
}

/// Relations are made by queries.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

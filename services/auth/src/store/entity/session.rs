//! Table `sessions`.

use sea_orm::entity::prelude::*;

/// A sign-in.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    /// UUIDv7; the `sid` of access tokens.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub user_id: Uuid,
    /// Microseconds since 1970.
    pub created_at: i64,
    /// When its active token expires; microseconds since 1970.
    pub expires_at: i64,
    /// When it ended before its time; microseconds since 1970.
    pub ended_at: Option<i64>,
    /// Why it did.
    pub end_reason: Option<String>,
}

/// Relations are made by queries.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

//! Table `api_keys`.

use sea_orm::entity::prelude::*;

/// An API key.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub user_id: Uuid,
    /// SHA-256 of the key; the key itself is kept nowhere.
    pub digest: Vec<u8>,
    /// What the key begins with.
    pub prefix: String,
    /// What its owner calls it.
    pub display_name: String,
    /// What it may do, with spaces between.
    pub scopes: String,
    /// Microseconds since 1970.
    pub created_at: i64,
    /// Microseconds since 1970.
    pub last_used_at: Option<i64>,
    /// Microseconds since 1970.
    pub expires_at: Option<i64>,
    /// Microseconds since 1970.
    pub revoked_at: Option<i64>,
}

/// Relations are made by queries.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

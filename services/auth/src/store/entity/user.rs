//! Table `users`.

use sea_orm::entity::prelude::*;

/// A person with an account.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// In lower case; unique.
    pub email: String,
    /// May be empty.
    pub display_name: String,
    /// PHC string.
    pub password_hash: String,
    /// `user` or `admin`.
    pub role: String,
    /// The plan's name.
    pub tier: String,
    /// Microseconds since 1970.
    pub created_at: i64,
    /// Microseconds since 1970.
    pub updated_at: i64,
    /// Who made it: a user's id; empty when that was not recorded yet.
    pub created_by: String,
    /// Who changed it last: a user's id; empty when that was not recorded yet.
    pub updated_by: String,
}

/// Relations are made by queries.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

//! Table `audit`.

use sea_orm::entity::prelude::*;

/// A change of an account by an operator, or of its API keys by its owner.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What was done, e.g. `user.update`.
    pub action: String,
    /// A user's id. The record outlives the user.
    pub target: String,
    /// What was changed as it was before, as JSON.
    pub before: String,
    /// The same as it is since.
    pub after: String,
    /// Who did it: a user's id.
    pub actor: String,
    /// Microseconds since 1970.
    pub created_at: i64,
}

/// There are none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

//! `moderation_decisions`: one row per owner and prompt that was refused, or what came of it.

use sea_orm::entity::prelude::*;

/// A refused prompt.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "moderation_decisions")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose prompt.
    pub owner: Uuid,
    /// SHA-256 of its folded words.
    pub digest: Vec<u8>,
    /// Its words.
    pub prompt: String,
    /// Which rule they broke.
    pub rule: String,
    /// When it was last refused, microseconds.
    pub created_at: i64,
    /// The admin who allowed it.
    pub allowed_by: Option<String>,
    /// Microseconds.
    pub allowed_at: Option<i64>,
    /// Why it was allowed.
    pub note: Option<String>,
    /// The generation whose result was refused, if it was not the prompt.
    pub task_id: Option<Uuid>,
}

/// None: nothing refers to it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

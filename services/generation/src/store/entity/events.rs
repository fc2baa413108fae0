//! `events`: the steps of each generation's life.

use sea_orm::entity::prelude::*;

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "events")]
pub struct Model {
    /// The generation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub task_id: Uuid,
    /// 1 for its first, then without gaps.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    /// `domain::events::EventKind`.
    pub kind: String,
    /// The status after it.
    pub status: String,
    /// The progress after it.
    pub progress: i64,
    /// For people; may be empty.
    pub message: String,
    /// Microseconds.
    pub created_at: i64,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

//! `batches`: one row per batch.

use sea_orm::entity::prelude::*;

/// Orders that came together.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "batches")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The user whose it is.
    pub owner: Uuid,
    /// `domain::batch::Item`, one for each order, as a JSON list.
    pub items: String,
    /// How many of its generations have not ended.
    pub running: i64,
    /// Microseconds.
    pub created_at: i64,
    /// Microseconds.
    pub ended_at: Option<i64>,
}

/// None: its generations know it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// One batch of an owner. There is no finder without one.
    pub fn find_owned(owner: Uuid, id: Uuid) -> Select<Self> {
        Self::find()
            .filter(Column::Id.eq(id))
            .filter(Column::Owner.eq(owner))
    }
}

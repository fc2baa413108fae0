//! Table `files`: files whose bytes are whole, visible until `deleted_at`.
#![expect(missing_docs, reason = "the table's columns are documented here once")]

use sea_orm::entity::prelude::*;

/// A row of `files`.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "files")]
pub struct Model {
    /// Also the name of the bytes in the store.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub owner: Uuid,
    pub session: Option<Uuid>,
    /// Unique within the owner.
    pub operation: Option<String>,
    pub name: String,
    pub content_type: String,
    pub size: i64,
    /// Lower-case hex.
    pub sha256: String,
    pub width: i32,
    pub height: i32,
    /// Microseconds since the epoch, like every time.
    pub created_at: i64,
    pub deleted_at: Option<i64>,
}

/// Files know nothing of other tables.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The owner's files that can be seen: where every query for an owner begins.
    #[must_use]
    pub fn visible_to(owner: types::UserId) -> Select<Self> {
        Self::find()
            .filter(Column::Owner.eq(owner.uuid()))
            .filter(Column::DeletedAt.is_null())
    }
}

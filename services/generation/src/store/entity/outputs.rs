//! `outputs`: the files a generation made.

use sea_orm::entity::prelude::*;

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "outputs")]
pub struct Model {
    /// The generation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub task_id: Uuid,
    /// 0 for its first.
    #[sea_orm(primary_key, auto_increment = false)]
    pub place: i64,
    /// In the file service.
    pub file_id: Uuid,
    /// Its media type.
    pub content_type: String,
    /// In pixels.
    pub width: i64,
    /// In pixels.
    pub height: i64,
}

/// None: outputs are read for a page of tasks at a time.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

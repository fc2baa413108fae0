//! Table `uploads`: bytes that may be in the store without a file. Written before the bytes.
#![expect(missing_docs, reason = "the table's columns are documented here once")]

use sea_orm::entity::prelude::*;

/// A row of `uploads`.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "uploads")]
pub struct Model {
    /// The id the file will have.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub started_at: i64,
    /// Once set, the upload can no longer become a file.
    pub abandoned_at: Option<i64>,
}

/// Uploads know nothing of other tables.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

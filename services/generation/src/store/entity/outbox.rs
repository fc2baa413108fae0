//! `outbox`: calls owed to the usage service; a row goes when its call is delivered.

use sea_orm::entity::prelude::*;

/// One call.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// `domain::settlement::Call` by name.
    pub kind: String,
    /// Of a settlement: `domain::settlement::Actuals` as JSON.
    pub actuals: Option<String>,
    /// Of which reservation.
    pub reservation_id: Uuid,
    /// Of which generation.
    pub task_id: Uuid,
    /// Not before this moment, microseconds by the database's clock.
    pub due_at: i64,
    /// How often it was tried.
    pub tries: i64,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

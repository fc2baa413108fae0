//! What one reservation takes from one counter.

use sea_orm::entity::prelude::*;
use types::Timestamp;

use crate::domain::counter::{Key, Subject};
use crate::domain::meter::Meter;
use crate::domain::window::WindowKind;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reservation_items")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub reservation_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub meter: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub window_kind: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub window_start: i64,
    pub amount: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The counter, or `None` when this version does not know its meter or window.
    pub fn key(&self) -> Option<Key> {
        Some(Key {
            subject: Subject::from(self.subject.clone()),
            meter: Meter::parse(&self.meter)?,
            window: WindowKind::parse(&self.window_kind)?,
            start: Timestamp(self.window_start),
        })
    }
}

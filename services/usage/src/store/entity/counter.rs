//! What is used and held of one meter by one subject in one window.

use sea_orm::entity::prelude::*;

use crate::domain::counter::{Key, Tally};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "counters")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub meter: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub window_kind: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub window_start: i64,
    pub used: i64,
    pub held: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What stands on the counter.
    pub fn tally(&self) -> Tally {
        Tally {
            used: self.used,
            held: self.held,
        }
    }

    /// Whether the key names this counter.
    pub fn is(&self, key: &Key) -> bool {
        self.subject == key.subject.as_str()
            && self.meter == key.meter.as_str()
            && self.window_kind == key.window.as_str()
            && self.window_start == key.start.micros()
    }
}

//! Table `login_failures`.

use sea_orm::entity::prelude::*;

/// The wrong passwords in a row for one address.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "login_failures")]
pub struct Model {
    /// SHA-256 of the address: what strangers type is not kept.
    #[sea_orm(primary_key, auto_increment = false)]
    pub address_digest: Vec<u8>,
    /// How many.
    pub failures: i64,
    /// When the last one was; microseconds since 1970.
    pub last_failed_at: i64,
}

/// There are none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

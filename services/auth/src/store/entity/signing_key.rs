//! Table `signing_keys`.

use sea_orm::entity::prelude::*;

/// A key tokens are signed with.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "signing_keys")]
pub struct Model {
    /// The key's name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kid: String,
    /// `signing` (at most one), `next` or `retired`.
    pub state: String,
    /// Ed25519 public key, 32 bytes.
    pub public_key: Vec<u8>,
    /// The private key, sealed (see domain/sealing.rs).
    pub sealed_key: Vec<u8>,
    /// Microseconds since 1970.
    pub created_at: i64,
    /// Microseconds since 1970; set exactly when retired.
    pub retired_at: Option<i64>,
}

/// There are none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

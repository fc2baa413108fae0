//! `webhooks`: where users' events are sent.

use sea_orm::entity::prelude::*;

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhooks")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The user whose it is.
    pub owner: Uuid,
    /// Where to.
    pub url: String,
    /// `domain::webhook::EventType`s by name, with spaces between.
    pub event_types: String,
    /// Whether events are sent.
    pub enabled: bool,
    /// Why not, when that was not its owner.
    pub disabled_reason: Option<String>,
    /// What its secret is made of; worth nothing without the suite's secret.
    pub seed: Vec<u8>,
    /// What its secret before was made of.
    pub previous_seed: Option<Vec<u8>>,
    /// Until when that signs too, microseconds.
    pub previous_until: Option<i64>,
    /// How many attempts failed in a row.
    pub failures: i64,
    /// Since when, microseconds.
    pub failing_since: Option<i64>,
    /// Nothing is sent to it before this moment but by who holds it, microseconds by the database's
    /// clock.
    pub free_at: i64,
    /// Counts the holds.
    pub fence: i64,
    /// Microseconds.
    pub created_at: i64,
    /// Microseconds.
    pub updated_at: i64,
}

/// None: deliveries are read by their own queries.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// One webhook of an owner.
    pub fn find_owned(owner: Uuid, id: Uuid) -> Select<Self> {
        Self::find()
            .filter(Column::Id.eq(id))
            .filter(Column::Owner.eq(owner))
    }
}

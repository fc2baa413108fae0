//! `deliveries`: events for webhooks, sent and to be sent.

use sea_orm::entity::prelude::*;

/// A delivery.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "deliveries")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// To which webhook.
    pub webhook_id: Uuid,
    /// What the receiver sees as `webhook-id`; once for each webhook.
    pub event_id: String,
    /// `domain::webhook::EventType` by name.
    pub event_type: String,
    /// Of which generation; none for a test.
    pub task_id: Option<Uuid>,
    /// What is sent, to the byte.
    pub body: String,
    /// `domain::webhook::State`.
    pub state: String,
    /// How often it was sent.
    pub tries: i64,
    /// Not before this moment, microseconds by the database's clock.
    pub due_at: i64,
    /// The receiver's last HTTP status.
    pub last_status: Option<i64>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// Microseconds.
    pub created_at: i64,
    /// Microseconds.
    pub ended_at: Option<i64>,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

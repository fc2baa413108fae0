//! `attempts`: every asking of a provider, never deleted.

use sea_orm::entity::prelude::*;

/// One asking.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "attempts")]
pub struct Model {
    /// The generation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub task_id: Uuid,
    /// 1 for its first.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    /// The claim under which it was planned.
    pub fence: i64,
    /// Who was asked.
    pub provider: String,
    /// With which model.
    pub model: String,
    /// `domain::attempt::AttemptState`.
    pub state: String,
    /// `domain::provider::Job` as JSON.
    pub job: Option<String>,
    /// The most it may cost.
    pub price_microusd: i64,
    /// What its provider takes for it, once that is known.
    pub cost_microusd: Option<i64>,
    /// Tokens it took, when the provider counts any.
    pub tokens: Option<i64>,
    /// The class of its error.
    pub error_class: Option<String>,
    /// For the operator.
    pub error_detail: Option<String>,
    /// Microseconds.
    pub created_at: i64,
    /// Microseconds.
    pub sent_at: Option<i64>,
    /// Microseconds.
    pub ended_at: Option<i64>,
    /// When an operator said what it cost, microseconds.
    pub resolved_at: Option<i64>,
    /// Which operator.
    pub resolved_by: Option<String>,
    /// And why.
    pub note: Option<String>,
    /// When its provider is next asked to stop it, microseconds; none when it is not.
    pub stop_at: Option<i64>,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

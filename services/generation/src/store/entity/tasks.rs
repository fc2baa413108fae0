//! `tasks`: one row per generation.

use sea_orm::entity::prelude::*;

/// A generation.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tasks")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The user whose it is.
    pub owner: Uuid,
    /// The owner's plan when it was ordered.
    pub tier: String,
    /// `domain::generation::Kind`.
    pub kind: String,
    /// `domain::generation::Status`.
    pub status: String,
    /// `domain::generation::ImageRequest` as JSON.
    pub request: String,
    /// The client's own grouping.
    pub session_id: Option<Uuid>,
    /// What is set aside for it; each reservation serves one task.
    pub reservation_id: Option<Uuid>,
    /// What its result may be given again by.
    pub result_key: Option<Vec<u8>>,
    /// Whether its result was made before.
    pub cached: bool,
    /// The batch it came in.
    pub batch_id: Option<Uuid>,
    /// Who does it.
    pub provider: String,
    /// With which model.
    pub model: String,
    /// Parts of the order without effect, as a JSON list.
    pub ignored: String,
    /// `domain::route::Itinerary` as JSON.
    pub route: Option<String>,
    /// How often a provider was asked.
    pub attempts: i64,
    /// What it cost.
    pub cost_microusd: i64,
    /// What it was accepted at; none for one from before prices were held.
    pub price_microusd: Option<i64>,
    /// Where that price stands: `catalogue:<version>` or `list:<date>`.
    pub price_version: Option<String>,
    /// Whether its reservation was given back: nothing more is bought for it.
    pub reservation_lost: bool,
    /// `domain::settlement::Resolution` as JSON, once it has ended.
    pub resolution: Option<String>,
    /// 0 to 100.
    pub progress: i64,
    /// `errors::Reason` by name.
    pub failure_reason: Option<String>,
    /// The sentence that goes with it.
    pub failure_message: Option<String>,
    /// Not before this moment, microseconds by the database's clock.
    pub run_at: i64,
    /// Its turn; lower goes first.
    pub turn: i64,
    /// Whether it waits for `run_at`, and does not stand in line yet.
    pub resting: bool,
    /// Whether it begins in the off-peak window only.
    pub off_peak: bool,
    /// When it ends unless it has begun, microseconds.
    pub expires_at: Option<i64>,
    /// Counts the claims; a worker's writes carry the number of its own.
    pub fence: i64,
    /// Until when a worker has it, microseconds by the database's clock.
    pub lease_until: Option<i64>,
    /// Which worker.
    pub worker: Option<String>,
    /// Whether its result is being kept: from then on it cannot be cancelled.
    pub keeping: bool,
    /// The number of its last event.
    pub last_sequence: i64,
    /// Microseconds.
    pub created_at: i64,
    /// Microseconds.
    pub updated_at: i64,
    /// Microseconds.
    pub completed_at: Option<i64>,
}

/// None: what belongs together is read together by its own queries.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// One generation of an owner. There is no finder without one.
    pub fn find_owned(owner: Uuid, id: Uuid) -> Select<Self> {
        Self::find()
            .filter(Column::Id.eq(id))
            .filter(Column::Owner.eq(owner))
    }
}

//! Reservations in SQL: written once per operation id, moved from state to state by conditional
//! updates.

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use types::{OperationId, ReservationId, Timestamp};
use uuid::Uuid;

use super::entity::{item, reservation};
use super::error::StoreError;
use crate::domain::counter::Key;
use crate::domain::reservation::{Draft, Made, State};

/// Writes a held reservation and its items; `false`, and nothing is written, when its operation
/// made one before. Waits for a transaction that is just making it.
pub async fn insert(db: &impl ConnectionTrait, draft: &Draft) -> Result<bool, StoreError> {
    let row = reservation::ActiveModel {
        id: Set(draft.id.uuid()),
        operation_id: Set(draft.operation.uuid()),
        request_hash: Set(draft.request_hash.clone()),
        owner: Set(draft.owner.uuid()),
        tier: Set(draft.tier.clone()),
        state: Set(State::Held.as_str().to_owned()),
        expires_at: Set(draft.expires_at.micros()),
        created_at: Set(draft.created_at.micros()),
        resolved_at: Set(None),
    };
    let same_operation = OnConflict::column(reservation::Column::OperationId)
        .do_nothing()
        .to_owned();
    let written = reservation::Entity::insert(row)
        .on_conflict(same_operation)
        .exec_without_returning(db)
        .await?;
    if written == 0 {
        return Ok(false);
    }
    let items = draft.takes.iter().map(|take| item::ActiveModel {
        reservation_id: Set(draft.id.uuid()),
        subject: Set(take.key.subject.as_str().to_owned()),
        meter: Set(take.key.meter.as_str().to_owned()),
        window_kind: Set(take.key.window.as_str().to_owned()),
        window_start: Set(take.key.start.micros()),
        amount: Set(take.amount),
    });
    item::Entity::insert_many(items)
        .exec_without_returning(db)
        .await?;
    Ok(true)
}

/// The reservation an operation made.
pub async fn find_by_operation(
    db: &impl ConnectionTrait,
    operation: OperationId,
) -> Result<Option<Made>, StoreError> {
    let row = reservation::Entity::find()
        .filter(reservation::Column::OperationId.eq(operation.uuid()))
        .one(db)
        .await?;
    Ok(row.map(|row| Made {
        id: ReservationId(row.id),
        request_hash: row.request_hash,
        created_at: Timestamp(row.created_at),
        expires_at: Timestamp(row.expires_at),
    }))
}

/// The state of a reservation, which nobody else can change until the transaction ends.
pub async fn lock(
    db: &impl ConnectionTrait,
    id: ReservationId,
) -> Result<Option<State>, StoreError> {
    let row = reservation::Entity::find_by_id(id.uuid())
        .lock_exclusive()
        .one(db)
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let state = State::parse(&row.state).ok_or(StoreError::Corrupt("an unknown state"))?;
    Ok(Some(state))
}

/// Moves a reservation from one state to another.
pub async fn set_state(
    db: &impl ConnectionTrait,
    id: ReservationId,
    from: State,
    to: State,
    now: Timestamp,
) -> Result<(), StoreError> {
    let resolved_at = (!to.holds()).then_some(now.micros());
    let moved = reservation::Entity::update_many()
        .col_expr(reservation::Column::State, Expr::value(to.as_str()))
        .col_expr(reservation::Column::ResolvedAt, Expr::value(resolved_at))
        .filter(reservation::Column::Id.eq(id.uuid()))
        .filter(reservation::Column::State.eq(from.as_str()))
        .exec(db)
        .await?;
    if moved.rows_affected != 1 {
        return Err(StoreError::Corrupt(
            "a locked reservation changed its state",
        ));
    }
    Ok(())
}

/// What a reservation holds on which counters, in locking order.
pub async fn items(
    db: &impl ConnectionTrait,
    id: ReservationId,
) -> Result<Vec<(Key, i64)>, StoreError> {
    let rows = item::Entity::find()
        .filter(item::Column::ReservationId.eq(id.uuid()))
        .all(db)
        .await?;
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        let key = row.key().ok_or(StoreError::Corrupt("an unknown counter"))?;
        items.push((key, row.amount));
    }
    items.sort_unstable_by(|left, right| left.0.cmp(&right.0));
    Ok(items)
}

/// Held reservations that expired by `now`, the longest overdue first.
pub async fn due(
    db: &impl ConnectionTrait,
    now: Timestamp,
    most: u64,
) -> Result<Vec<ReservationId>, StoreError> {
    let ids: Vec<Uuid> = reservation::Entity::find()
        .select_only()
        .column(reservation::Column::Id)
        // A literal, not a parameter: only so do both engines use the partial index.
        .filter(Expr::cust("state = 'held'"))
        .filter(reservation::Column::ExpiresAt.lte(now.micros()))
        .order_by_asc(reservation::Column::ExpiresAt)
        .limit(most)
        .into_tuple()
        .all(db)
        .await?;
    Ok(ids.into_iter().map(ReservationId).collect())
}

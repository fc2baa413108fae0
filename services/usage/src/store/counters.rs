//! Counters in SQL: one conditional update decides, so that no two can both take the last unit.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter,
};

use super::entity::counter::{ActiveModel, Column, Entity, Model};
use super::error::StoreError;
use crate::domain::counter::{Key, Take, Tally};
use crate::domain::reservation::Change;

/// Makes the counter if it was never touched.
pub async fn ensure(db: &impl ConnectionTrait, key: &Key) -> Result<(), StoreError> {
    let fresh = ActiveModel {
        subject: Set(key.subject.as_str().to_owned()),
        meter: Set(key.meter.as_str().to_owned()),
        window_kind: Set(key.window.as_str().to_owned()),
        window_start: Set(key.start.micros()),
        used: Set(0),
        held: Set(0),
    };
    Entity::insert(fresh)
        .on_conflict_do_nothing()
        .exec_without_returning(db)
        .await?;
    Ok(())
}

/// Sets units aside if they fit beside what is used and held; what stands there then, or `None`
/// when they do not fit.
pub async fn hold(db: &impl ConnectionTrait, take: &Take) -> Result<Option<Tally>, StoreError> {
    // used + held + amount <= limit, turned so that no sum can overflow.
    let room = Expr::val(take.limit.saturating_sub(take.amount)).sub(Expr::col(Column::Held));
    let rows = Entity::update_many()
        .col_expr(Column::Held, Expr::col(Column::Held).add(take.amount))
        .filter(is(&take.key))
        .filter(Expr::col(Column::Used).lte(room))
        .exec_with_returning(db)
        .await?;
    Ok(rows.first().map(Model::tally))
}

/// Moves units of a reservation that leaves its state.
pub async fn apply(
    db: &impl ConnectionTrait,
    key: &Key,
    amount: i64,
    change: Change,
) -> Result<(), StoreError> {
    let less_held = Expr::col(Column::Held).sub(amount);
    let more_used = Expr::col(Column::Used).add(amount);
    let update = Entity::update_many().filter(is(key));
    let update = match change {
        Change::Nothing => return Ok(()),
        Change::FreeHeld => update.col_expr(Column::Held, less_held),
        Change::SpendAnew => update.col_expr(Column::Used, more_used),
        Change::SpendHeld => update
            .col_expr(Column::Held, less_held)
            .col_expr(Column::Used, more_used),
    };
    if update.exec(db).await?.rows_affected != 1 {
        return Err(StoreError::Corrupt("a reservation's counter is missing"));
    }
    Ok(())
}

/// What stands on each counter, in the order of the keys, by one statement.
pub async fn read(db: &impl ConnectionTrait, keys: &[Key]) -> Result<Vec<Tally>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let any = keys
        .iter()
        .fold(Condition::any(), |any, key| any.add(is(key)));
    let rows = Entity::find().filter(any).all(db).await?;
    let tally = |key: &Key| rows.iter().find(|row| row.is(key)).map(Model::tally);
    Ok(keys
        .iter()
        .map(|key| tally(key).unwrap_or_default())
        .collect())
}

fn is(key: &Key) -> Condition {
    Condition::all()
        .add(Column::Subject.eq(key.subject.as_str()))
        .add(Column::Meter.eq(key.meter.as_str()))
        .add(Column::WindowKind.eq(key.window.as_str()))
        .add(Column::WindowStart.eq(key.start.micros()))
}

//! Reservations as rows. What they hold and what they are for is JSON in them.

use std::collections::BTreeSet;

use database::Backend;
use sea_orm::{ConnectionTrait, QueryResult, Statement};
use serde::Serialize;
use serde::de::DeserializeOwned;
use types::{ReservationId, Timestamp, UserId};
use uuid::Uuid;

use super::error::StoreError;
use crate::domain::clerk::Line;
use crate::domain::ports::Due;
use crate::domain::reservation::{Reservation, State};
use crate::domain::scope::Purpose;
use database::row_set::{self, Cell, Column, Kind, Rows, Write};

const MADE: &str =
    "INSERT INTO reservations (id, request_hash, owner, tier, state, amounts, purpose,
        items, price_version, amend_hash, created_at, expires_at, resolved_at)
    SELECT id, request_hash, owner, tier, state, amounts, purpose,
        items, price_version, amend_hash, created_at, expires_at, NULLIF(resolved_at, 0)
    FROM {given} WHERE TRUE ON CONFLICT (id) DO NOTHING";
const CHANGED: &str = "UPDATE reservations AS made SET state = given.state,
        amounts = given.amounts, purpose = given.purpose, items = given.items,
        price_version = given.price_version, amend_hash = given.amend_hash,
        expires_at = given.expires_at, resolved_at = NULLIF(given.resolved_at, 0)
    FROM {given} WHERE made.id = given.id AND made.state = given.was";

// Stands for no time; becomes NULL on the way in.
const NEVER: Timestamp = Timestamp(0);

const ID: &[Column; 1] = &[("id", Kind::Id)];
const NEW: &[Column; 13] = &[
    ("id", Kind::Id),
    ("request_hash", Kind::Text),
    ("owner", Kind::Id),
    ("tier", Kind::Text),
    ("state", Kind::Text),
    ("amounts", Kind::Text),
    ("purpose", Kind::Text),
    ("items", Kind::Text),
    ("price_version", Kind::Text),
    ("amend_hash", Kind::Text),
    ("created_at", Kind::Number),
    ("expires_at", Kind::Number),
    ("resolved_at", Kind::Number),
];
const CHANGE: &[Column; 10] = &[
    ("id", Kind::Id),
    ("was", Kind::Text),
    ("state", Kind::Text),
    ("amounts", Kind::Text),
    ("purpose", Kind::Text),
    ("items", Kind::Text),
    ("price_version", Kind::Text),
    ("amend_hash", Kind::Text),
    ("expires_at", Kind::Number),
    ("resolved_at", Kind::Number),
];

/// Locks those of these reservations that exist, by id, and reads them; beside them the version of
/// the rules, as it is in the same moment.
pub async fn lock(
    connection: &impl ConnectionTrait,
    ids: &BTreeSet<ReservationId>,
) -> Result<(i64, Vec<Reservation>), StoreError> {
    let backend = row_set::backend_of(connection);
    let lock = for_update(backend, "made");
    let sql = format!(
        "SELECT rules.version, found.* FROM rules_version AS rules LEFT JOIN (
            SELECT made.* FROM {{given}} JOIN reservations AS made ON made.id = given.id
            ORDER BY made.id {lock}) AS found ON TRUE"
    );
    let rows = Rows::new(ID, ids.iter().map(|id| [(*id).into()]));
    let statement = rows.statement(connection, &sql)?;
    let rows = connection.query_all_raw(statement).await?;
    let first = rows.first();
    let first = first.ok_or(StoreError::Corrupt("the rules have no version"))?;
    let version = first.try_get("", "version")?;
    if first.try_get::<Option<Uuid>>("", "id")?.is_none() {
        return Ok((version, Vec::new()));
    }
    let found: Result<_, _> = rows.iter().map(read).collect();
    Ok((version, found?))
}

/// Locks rows of this alias until the transaction ends, where there is more than one writer.
pub fn for_update(backend: Backend, alias: &str) -> String {
    match backend {
        Backend::Postgres => format!("FOR UPDATE OF {alias}"),
        Backend::Sqlite => String::new(),
    }
}

/// Writes new reservations. It falls short when somebody else made one of them meanwhile.
pub fn made(lines: &[Line]) -> Result<Option<Write>, StoreError> {
    let new = lines.iter().filter(|line| line.from.is_none());
    let rows: Result<Vec<_>, _> = new.map(|line| new_row(&line.row)).collect();
    Ok(Write::new("reservations_made", MADE, Rows::new(NEW, rows?)))
}

/// Writes what became of reservations that were read before. It falls short when one is not as it
/// was read.
pub fn changed(lines: &[Line]) -> Result<Option<Write>, StoreError> {
    let old = (lines.iter()).filter_map(|line| Some((line.from?, &line.row)));
    let rows: Result<Vec<_>, _> = old.map(|(was, row)| change(was, row)).collect();
    let rows = Rows::new(CHANGE, rows?);
    Ok(Write::new("reservations_changed", CHANGED, rows))
}

// In the order of NEW.
fn new_row(one: &Reservation) -> Result<[Cell; 13], StoreError> {
    Ok([
        one.id.into(),
        one.request_hash.as_str().into(),
        one.owner.into(),
        one.tier.as_str().into(),
        one.state.as_str().into(),
        text(&one.amounts)?,
        text(&one.purpose)?,
        text(&one.items)?,
        one.price_version.as_str().into(),
        one.amend_hash.as_str().into(),
        one.created_at.into(),
        one.expires_at.into(),
        one.resolved_at.unwrap_or(NEVER).into(),
    ])
}

// In the order of CHANGE.
fn change(was: State, one: &Reservation) -> Result<[Cell; 10], StoreError> {
    Ok([
        one.id.into(),
        was.as_str().into(),
        one.state.as_str().into(),
        text(&one.amounts)?,
        text(&one.purpose)?,
        text(&one.items)?,
        one.price_version.as_str().into(),
        one.amend_hash.as_str().into(),
        one.expires_at.into(),
        one.resolved_at.unwrap_or(NEVER).into(),
    ])
}

/// What is JSON in a row.
pub fn text(what: &impl Serialize) -> Result<Cell, StoreError> {
    let text = serde_json::to_string(what);
    let text = text.map_err(|_| StoreError::Corrupt("a row to write"))?;
    Ok(text.into())
}

/// Reads a row with every column of the table.
pub fn read(row: &QueryResult) -> Result<Reservation, StoreError> {
    let state: String = row.try_get("", "state")?;
    Ok(Reservation {
        id: ReservationId(row.try_get("", "id")?),
        request_hash: row.try_get("", "request_hash")?,
        owner: UserId(row.try_get("", "owner")?),
        tier: row.try_get("", "tier")?,
        state: State::parse(&state).ok_or(StoreError::Corrupt("a reservation's state"))?,
        amounts: json(row, "amounts")?,
        purpose: json(row, "purpose")?,
        items: json(row, "items")?,
        price_version: row.try_get("", "price_version")?,
        amend_hash: row.try_get("", "amend_hash")?,
        created_at: Timestamp(row.try_get("", "created_at")?),
        expires_at: Timestamp(row.try_get("", "expires_at")?),
        resolved_at: row
            .try_get::<Option<i64>>("", "resolved_at")?
            .map(Timestamp),
    })
}

fn json<T: DeserializeOwned>(row: &QueryResult, column: &'static str) -> Result<T, StoreError> {
    let text: String = row.try_get("", column)?;
    serde_json::from_str(&text).map_err(|_| StoreError::Corrupt(column))
}

/// Reservations that expired by `now`, the longest overdue first, at most `most`; those after
/// `last`.
pub async fn due(
    connection: &impl ConnectionTrait,
    now: Timestamp,
    most: u64,
    last: Option<Due>,
) -> Result<Vec<Due>, StoreError> {
    let sql = "SELECT id, purpose, expires_at FROM reservations
        WHERE state IN ('held', 'confirmed') AND expires_at <= $1 AND (expires_at, id) > ($2, $3)
        ORDER BY expires_at, id LIMIT $4";
    let (at, id) = last.map_or((Timestamp(i64::MIN), Uuid::nil()), |due| {
        (due.expires_at, due.id.uuid())
    });
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let backend = connection.get_database_backend();
    let values = [
        now.micros().into(),
        at.micros().into(),
        id.into(),
        most.into(),
    ];
    let statement = Statement::from_sql_and_values(backend, sql, values);
    let rows = connection.query_all_raw(statement).await?;
    let due = |row: &QueryResult| {
        let purpose: Purpose = json(row, "purpose")?;
        Ok(Due {
            id: ReservationId(row.try_get("", "id")?),
            expires_at: Timestamp(row.try_get("", "expires_at")?),
            keeper: purpose.keeper,
        })
    };
    rows.iter().map(due).collect()
}

/// Deletes reservations that were resolved before `resolved`, at most `most`, and says how many.
pub async fn forget(
    connection: &impl ConnectionTrait,
    resolved: Timestamp,
    most: u64,
) -> Result<u64, StoreError> {
    let sql = "DELETE FROM reservations WHERE id IN (SELECT id FROM reservations
        WHERE resolved_at IS NOT NULL AND resolved_at < $1 ORDER BY resolved_at LIMIT $2)";
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let backend = connection.get_database_backend();
    let values = [resolved.micros().into(), most.into()];
    let statement = Statement::from_sql_and_values(backend, sql, values);
    Ok(connection.execute_raw(statement).await?.rows_affected())
}

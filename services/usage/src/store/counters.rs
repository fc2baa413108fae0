//! Counters as rows: locked in the order of their keys, moved by differences.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, QueryResult, Statement};
use types::Timestamp;

use super::error::StoreError;
use super::reservations::for_update;
use crate::domain::clerk::Count;
use crate::domain::counter::{Key, Tally};
use database::row_set::{self, Cell, Column, Kind, Rows, Write};

const NAME: &[Column; 5] = &[
    ("place", Kind::Number),
    ("subject", Kind::Text),
    ("meter", Kind::Text),
    ("window_kind", Kind::Text),
    ("window_start", Kind::Number),
];
const SET: &[Column; 8] = &[
    ("subject", Kind::Text),
    ("meter", Kind::Text),
    ("window_kind", Kind::Text),
    ("window_start", Kind::Number),
    ("used", Kind::Number),
    ("held", Kind::Number),
    ("granted", Kind::Number),
    ("cap", Kind::Number),
];
const SAME: &str = "made.subject = given.subject AND made.meter = given.meter
    AND made.window_kind = given.window_kind AND made.window_start = given.window_start";

const MOVED: &str = "UPDATE counters AS made SET used = made.used + given.used,
        held = made.held + given.held, granted = made.granted + given.granted, cap = given.cap
    FROM {given} WHERE made.subject = given.subject AND made.meter = given.meter
        AND made.window_kind = given.window_kind AND made.window_start = given.window_start";

/// Locks those of these counters that exist, in the order of their keys, and reads them and their
/// caps.
pub async fn lock(
    connection: &impl ConnectionTrait,
    keys: &BTreeSet<Key>,
) -> Result<Vec<(Key, Tally, i64)>, StoreError> {
    let keys: Vec<&Key> = keys.iter().collect();
    let lock = for_update(row_set::backend_of(connection), "made");
    let found = find(connection, &keys, &lock).await?;
    let count = |(place, tally, cap): (usize, Tally, i64)| {
        let key = keys.get(place).copied().cloned();
        let key = key.ok_or(StoreError::Corrupt("a counter's place"))?;
        Ok((key, tally, cap))
    };
    found.into_iter().map(count).collect()
}

/// What stands on these counters, in their order; nothing on those that do not exist.
pub async fn read(
    connection: &impl ConnectionTrait,
    keys: &[Key],
) -> Result<Vec<Tally>, StoreError> {
    let names: Vec<&Key> = keys.iter().collect();
    let mut tallies = vec![Tally::default(); keys.len()];
    for (place, tally, _) in find(connection, &names, "").await? {
        if let Some(slot) = tallies.get_mut(place) {
            *slot = tally;
        }
    }
    Ok(tallies)
}

async fn find(
    connection: &impl ConnectionTrait,
    keys: &[&Key],
    lock: &str,
) -> Result<Vec<(usize, Tally, i64)>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT given.place, made.used, made.held, made.granted, made.cap
         FROM {{given}} JOIN counters AS made ON {SAME}
         ORDER BY made.subject, made.meter, made.window_kind, made.window_start {lock}"
    );
    let statement = named(keys).statement(connection, &sql)?;
    let rows = connection.query_all_raw(statement).await?;
    rows.iter().map(found).collect()
}

fn found(row: &QueryResult) -> Result<(usize, Tally, i64), StoreError> {
    let place: i64 = row.try_get("", "place")?;
    let tally = Tally {
        used: row.try_get("", "used")?,
        held: row.try_get("", "held")?,
        granted: row.try_get("", "granted")?,
    };
    let place = usize::try_from(place).map_err(|_| StoreError::Corrupt("a counter's place"))?;
    Ok((place, tally, row.try_get("", "cap")?))
}

/// Makes those of these counters that do not exist.
pub async fn ensure(
    connection: &impl ConnectionTrait,
    keys: &BTreeSet<Key>,
) -> Result<(), StoreError> {
    let keys: Vec<&Key> = keys.iter().collect();
    let unbounded = i64::MAX;
    let sql = format!(
        "INSERT INTO counters (subject, meter, window_kind, window_start, used, held, granted, cap)
         SELECT subject, meter, window_kind, window_start, 0, 0, 0, {unbounded} FROM {{given}} WHERE TRUE
         ON CONFLICT DO NOTHING"
    );
    let statement = named(&keys).statement(connection, &sql)?;
    connection.execute_raw(statement).await?;
    Ok(())
}

/// Moves counters that are locked. It falls short when one of them is not there.
pub fn moved(counts: &[(Key, Count)]) -> Option<Write> {
    // Differences rather than what is to stand there: the table's own checks have the last word.
    let difference = |(key, count): &(Key, Count)| {
        let Count { tally, before, cap } = *count;
        let tally = Tally {
            used: tally.used.saturating_sub(before.used),
            held: tally.held.saturating_sub(before.held),
            granted: tally.granted.saturating_sub(before.granted),
        };
        row(key, tally, cap)
    };
    let rows = Rows::new(SET, counts.iter().map(difference));
    Write::new("counters_moved", MOVED, rows)
}

/// Deletes counters of days and months that began before `begun` and hold nothing, at most `most`,
/// and says how many.
pub async fn forget(
    connection: &impl ConnectionTrait,
    begun: Timestamp,
    most: u64,
) -> Result<u64, StoreError> {
    let name = "subject, meter, window_kind, window_start";
    let sql = format!(
        "DELETE FROM counters WHERE ({name}) IN (SELECT {name} FROM counters
         WHERE window_kind <> 'LIFETIME' AND window_start < $1 AND held = 0
         ORDER BY window_start LIMIT $2) AND held = 0"
    );
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let backend = connection.get_database_backend();
    let values = [begun.micros().into(), most.into()];
    let statement = Statement::from_sql_and_values(backend, sql, values);
    Ok(connection.execute_raw(statement).await?.rows_affected())
}

/// Writes counters over whatever stands there.
pub async fn put(
    connection: &impl ConnectionTrait,
    counts: &[(Key, Count)],
) -> Result<(), StoreError> {
    if counts.is_empty() {
        return Ok(());
    }
    let columns = "subject, meter, window_kind, window_start, used, held, granted, cap";
    let sql = format!(
        "INSERT INTO counters ({columns}) SELECT {columns} FROM {{given}} WHERE TRUE
         ON CONFLICT (subject, meter, window_kind, window_start) DO UPDATE
         SET used = excluded.used, held = excluded.held, granted = excluded.granted,
             cap = excluded.cap"
    );
    let rows = (counts.iter()).map(|(key, count)| row(key, count.tally, count.cap));
    let statement = Rows::new(SET, rows).statement(connection, &sql)?;
    connection.execute_raw(statement).await?;
    Ok(())
}

fn named(keys: &[&Key]) -> Rows {
    let name = |(place, key): (i64, &&Key)| {
        [
            place.into(),
            key.subject.as_str().into(),
            key.meter.as_str().into(),
            key.window.as_str().into(),
            key.start.into(),
        ]
    };
    Rows::new(NAME, (0..).zip(keys).map(name))
}

// In the order of SET.
fn row(key: &Key, tally: Tally, cap: i64) -> [Cell; 8] {
    [
        key.subject.as_str().into(),
        key.meter.as_str().into(),
        key.window.as_str().into(),
        key.start.into(),
        tally.used.into(),
        tally.held.into(),
        tally.granted.into(),
        cap.into(),
    ]
}

//! Many rows as parameters that SQL reads as a table, so that a statement's text is the same for one
//! row and for hundreds, and is prepared once: an array for each column on PostgreSQL, one JSON array
//! on SQLite.

use std::borrow::Cow;

use sea_orm::sea_query::ArrayType;
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};
use serde::{Serialize, Serializer};
use types::{ReservationId, Timestamp, UserId};
use uuid::Uuid;

use crate::{Backend, DatabaseError};

/// What a column of the set is.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A UUID, hyphenated in JSON.
    Id,
    /// A whole number.
    Number,
    /// Text.
    Text,
    /// Bytes, in hexadecimal in JSON.
    Bytes,
}

/// A column's name and what it is.
pub type Column = (&'static str, Kind);

/// What stands in a column of a row. None is ever NULL: arrays of this driver hold no NULLs.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Cell {
    /// In a column of ids.
    Id(Uuid),
    /// In a column of numbers.
    Number(i64),
    /// In a column of text.
    Text(String),
    /// In a column of bytes.
    #[serde(serialize_with = "in_hex")]
    Bytes(Vec<u8>),
}

/// A table of rows.
#[derive(Debug)]
pub struct Rows {
    columns: &'static [Column],
    // Row after row.
    cells: Vec<Cell>,
}

impl Rows {
    /// Rows with a cell for each of these columns.
    pub fn new<const N: usize>(
        columns: &'static [Column; N],
        rows: impl IntoIterator<Item = [Cell; N]>,
    ) -> Self {
        Self {
            columns,
            cells: rows.into_iter().flatten().collect(),
        }
    }

    /// A statement over these rows, which it reads from `{given}`.
    ///
    /// # Errors
    /// A cell does not fit its column.
    pub fn statement(
        self,
        connection: &impl ConnectionTrait,
        sql: &str,
    ) -> Result<Statement, DatabaseError> {
        let backend = backend_of(connection);
        let mut values = Vec::new();
        let sql = self.put(backend, sql, &mut values)?;
        let backend = connection.get_database_backend();
        Ok(Statement::from_sql_and_values(backend, sql, values))
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    fn count(&self) -> usize {
        self.cells.len() / self.columns.len()
    }

    // Puts the table into a statement, and its rows behind the values that are there already.
    fn put(
        self,
        backend: Backend,
        sql: &str,
        values: &mut Vec<Value>,
    ) -> Result<String, DatabaseError> {
        let first = values.len() + 1;
        let table = match backend {
            Backend::Postgres => arrays(self.columns, first),
            Backend::Sqlite => json(self.columns, first),
        };
        match backend {
            Backend::Postgres => values.extend(self.into_arrays()?),
            Backend::Sqlite => values.push(self.into_json()?),
        }
        Ok(sql.replace("{given}", &table))
    }

    fn into_arrays(self) -> Result<Vec<Value>, DatabaseError> {
        let (width, count) = (self.columns.len(), self.count());
        let mut arrays: Vec<Vec<Value>> = (0..width).map(|_| Vec::with_capacity(count)).collect();
        let places = (0..width).cycle();
        for (cell, place) in self.cells.into_iter().zip(places) {
            let column = self.columns.get(place).zip(arrays.get_mut(place));
            let ((_, kind), array) = column.ok_or(broken("a column to write"))?;
            array.push(value(*kind, cell)?);
        }
        let typed = |((_, kind), array): (&Column, Vec<Value>)| {
            let kind = match kind {
                Kind::Id => ArrayType::Uuid,
                Kind::Number => ArrayType::BigInt,
                Kind::Text => ArrayType::String,
                Kind::Bytes => ArrayType::Bytes,
            };
            Value::Array(kind, Some(Box::new(array)))
        };
        Ok(self.columns.iter().zip(arrays).map(typed).collect())
    }

    fn into_json(self) -> Result<Value, DatabaseError> {
        let rows: Vec<&[Cell]> = self.cells.chunks(self.columns.len()).collect();
        let text = serde_json::to_string(&rows);
        let text = text.map_err(|_| broken("a row to write"))?;
        Ok(text.into())
    }
}

// The driver panics at an array with something else in it.
fn value(kind: Kind, cell: Cell) -> Result<Value, DatabaseError> {
    match (kind, cell) {
        (Kind::Id, Cell::Id(id)) => Ok(id.into()),
        (Kind::Number, Cell::Number(number)) => Ok(number.into()),
        (Kind::Text, Cell::Text(text)) => Ok(text.into()),
        (Kind::Bytes, Cell::Bytes(bytes)) => Ok(bytes.into()),
        _ => Err(broken("a cell to write")),
    }
}

fn arrays(columns: &[Column], first: usize) -> String {
    let array = |(place, (_, kind)): (usize, &Column)| {
        let kind = match kind {
            Kind::Id => "uuid",
            Kind::Number => "bigint",
            Kind::Text => "text",
            Kind::Bytes => "bytea",
        };
        format!("${}::{kind}[]", first + place)
    };
    let arrays: Vec<String> = columns.iter().enumerate().map(array).collect();
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    format!(
        "unnest({}) AS given({})",
        arrays.join(", "),
        names.join(", ")
    )
}

// Ids are blobs there.
fn json(columns: &[Column], parameter: usize) -> String {
    let column = |(place, (name, kind)): (usize, &Column)| match kind {
        Kind::Id | Kind::Bytes => format!("unhex(value ->> {place}, '-') AS {name}"),
        Kind::Number | Kind::Text => format!("value ->> {place} AS {name}"),
    };
    let columns: Vec<String> = columns.iter().enumerate().map(column).collect();
    let columns = columns.join(", ");
    format!("(SELECT {columns} FROM json_each(${parameter})) AS given")
}

/// A change of one table by a set of rows.
pub struct Write {
    name: &'static str,
    sql: Cow<'static, str>,
    rows: Rows,
    count: usize,
}

impl Write {
    /// The change `sql` makes with these rows, which it reads from `{given}`; nothing without rows.
    pub fn new(name: &'static str, sql: impl Into<Cow<'static, str>>, rows: Rows) -> Option<Self> {
        let count = rows.count();
        (count > 0).then(|| Self {
            name,
            sql: sql.into(),
            rows,
            count,
        })
    }
}

/// Makes changes in their order, and says whether each touched as many rows as it was given. They are
/// of different rows: none sees what another one does.
///
/// # Errors
/// The database does not answer, or refuses one.
pub async fn make(
    connection: &impl ConnectionTrait,
    writes: impl IntoIterator<Item = Option<Write>>,
) -> Result<bool, DatabaseError> {
    let writes: Vec<Write> = writes.into_iter().flatten().collect();
    if writes.is_empty() {
        return Ok(true);
    }
    match backend_of(connection) {
        Backend::Postgres => make_at_once(connection, writes).await,
        Backend::Sqlite => make_one_by_one(connection, writes).await,
    }
}

// One way to the server and back, however many there are.
async fn make_at_once(
    connection: &impl ConnectionTrait,
    writes: Vec<Write>,
) -> Result<bool, DatabaseError> {
    let expected: Vec<(&str, usize)> = (writes.iter())
        .map(|write| (write.name, write.count))
        .collect();
    let count = |(name, _): &(&str, usize)| format!("(SELECT COUNT(*) FROM {name}) AS {name}");
    let counts: Vec<String> = expected.iter().map(count).collect();
    let mut values = Vec::new();
    let mut changes = Vec::with_capacity(writes.len());
    for write in writes {
        let sql = write.rows.put(Backend::Postgres, &write.sql, &mut values)?;
        changes.push(format!("{} AS ({sql} RETURNING 1)", write.name));
    }
    let sql = format!("WITH {}\nSELECT {}", changes.join(",\n"), counts.join(", "));
    let backend = connection.get_database_backend();
    let statement = Statement::from_sql_and_values(backend, sql, values);
    let row = connection.query_one_raw(statement).await?;
    let row = row.ok_or(broken("the counts of a write"))?;
    for (name, expected) in expected {
        let count: i64 = row.try_get("", name)?;
        if usize::try_from(count) != Ok(expected) {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn make_one_by_one(
    connection: &impl ConnectionTrait,
    writes: Vec<Write>,
) -> Result<bool, DatabaseError> {
    for write in writes {
        let statement = write.rows.statement(connection, &write.sql)?;
        let count = connection.execute_raw(statement).await?.rows_affected();
        if usize::try_from(count) != Ok(write.count) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The engine behind a connection.
#[must_use]
pub fn backend_of(connection: &impl ConnectionTrait) -> Backend {
    match connection.get_database_backend() {
        DbBackend::Postgres => Backend::Postgres,
        _ => Backend::Sqlite,
    }
}

fn broken(what: &str) -> DatabaseError {
    DatabaseError::Refused(format!("{what} is of another kind").into())
}

fn in_hex<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&hex::encode(bytes))
}

impl From<Vec<u8>> for Cell {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Uuid> for Cell {
    fn from(id: Uuid) -> Self {
        Self::Id(id)
    }
}

impl From<ReservationId> for Cell {
    fn from(id: ReservationId) -> Self {
        Self::Id(id.uuid())
    }
}

impl From<UserId> for Cell {
    fn from(id: UserId) -> Self {
        Self::Id(id.uuid())
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<i32> for Cell {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<u32> for Cell {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<Timestamp> for Cell {
    fn from(time: Timestamp) -> Self {
        Self::Number(time.micros())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

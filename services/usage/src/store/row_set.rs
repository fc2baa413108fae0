//! Many rows as one parameter: a JSON array that SQL reads as a table, so that a statement's text is
//! the same for one row and for hundreds, and is prepared once.

use database::Backend;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde::Serialize;

use super::error::StoreError;

/// What a column of the set is.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A UUID, hyphenated in JSON.
    Id,
    /// A whole number.
    Number,
    /// Text; JSON inside stays JSON, as text.
    Text,
}

/// A column's name and what it is.
pub type Column = (&'static str, Kind);

/// The table expression `given`, read from the first parameter, in the order of the array.
pub fn table(backend: Backend, columns: &[Column]) -> String {
    table_of(backend, columns, 1)
}

fn table_of(backend: Backend, columns: &[Column], parameter: usize) -> String {
    let each = |write: fn(&Column) -> String| {
        let columns: Vec<String> = columns.iter().map(write).collect();
        columns.join(", ")
    };
    match backend {
        Backend::Postgres => {
            let columns = each(|(name, kind)| match kind {
                Kind::Id => format!("{name} UUID"),
                Kind::Number => format!("{name} BIGINT"),
                Kind::Text => format!("{name} TEXT"),
            });
            format!("json_to_recordset(${parameter}::json) AS given({columns})")
        }
        // Ids are blobs there.
        Backend::Sqlite => {
            let columns = each(|(name, kind)| match kind {
                Kind::Id => format!("unhex(value ->> '{name}', '-') AS {name}"),
                Kind::Number | Kind::Text => format!("value ->> '{name}' AS {name}"),
            });
            format!("(SELECT {columns} FROM json_each(${parameter})) AS given")
        }
    }
}

/// A statement over these rows.
pub fn statement(
    connection: &impl ConnectionTrait,
    sql: String,
    rows: &impl Serialize,
) -> Result<Statement, StoreError> {
    let rows = json(rows)?;
    let backend = connection.get_database_backend();
    Ok(Statement::from_sql_and_values(backend, sql, [rows.into()]))
}

/// A change of one table by a set of rows.
pub struct Write {
    name: &'static str,
    columns: &'static [Column],
    sql: &'static str,
    rows: String,
    count: usize,
}

impl Write {
    /// The change `sql` makes with these rows, which it reads from `{given}`; nothing without rows.
    pub fn new(
        name: &'static str,
        columns: &'static [Column],
        sql: &'static str,
        rows: &[impl Serialize],
    ) -> Result<Option<Self>, StoreError> {
        if rows.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            name,
            columns,
            sql,
            rows: json(rows)?,
            count: rows.len(),
        }))
    }

    fn sql(&self, backend: Backend, parameter: usize) -> String {
        let given = table_of(backend, self.columns, parameter);
        self.sql.replace("{given}", &given)
    }
}

/// Makes changes in their order, and says whether each touched as many rows as it was given. They are
/// of different rows: none sees what another one does.
pub async fn make(
    connection: &impl ConnectionTrait,
    writes: impl IntoIterator<Item = Option<Write>>,
) -> Result<bool, StoreError> {
    let writes: Vec<Write> = writes.into_iter().flatten().collect();
    if writes.is_empty() {
        return Ok(true);
    }
    match backend_of(connection) {
        Backend::Postgres => make_at_once(connection, &writes).await,
        Backend::Sqlite => make_one_by_one(connection, &writes).await,
    }
}

// One way to the server and back, however many there are.
async fn make_at_once(
    connection: &impl ConnectionTrait,
    writes: &[Write],
) -> Result<bool, StoreError> {
    let each = |write: fn((usize, &Write)) -> String| {
        let parts: Vec<String> = writes.iter().enumerate().map(write).collect();
        parts.join(",\n")
    };
    let changes = each(|(place, write)| {
        let sql = write.sql(Backend::Postgres, place + 1);
        format!("{} AS ({sql} RETURNING 1)", write.name)
    });
    let counts = each(|(_, write)| format!("(SELECT COUNT(*) FROM {0}) AS {0}", write.name));
    let sql = format!("WITH {changes}\nSELECT {counts}");
    let values = writes.iter().map(|write| write.rows.as_str().into());
    let backend = connection.get_database_backend();
    let statement = Statement::from_sql_and_values(backend, sql, values);
    let row = connection.query_one_raw(statement).await?;
    let row = row.ok_or(StoreError::Corrupt("the counts of a write"))?;
    for write in writes {
        let count: i64 = row.try_get("", write.name)?;
        if usize::try_from(count) != Ok(write.count) {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn make_one_by_one(
    connection: &impl ConnectionTrait,
    writes: &[Write],
) -> Result<bool, StoreError> {
    let backend = connection.get_database_backend();
    for write in writes {
        let sql = write.sql(Backend::Sqlite, 1);
        let values = [write.rows.as_str().into()];
        let statement = Statement::from_sql_and_values(backend, sql, values);
        let count = connection.execute_raw(statement).await?.rows_affected();
        if usize::try_from(count) != Ok(write.count) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn json<T: Serialize + ?Sized>(rows: &T) -> Result<String, StoreError> {
    serde_json::to_string(rows).map_err(|_| StoreError::Corrupt("a row to write"))
}

/// The engine behind a connection.
pub fn backend_of(connection: &impl ConnectionTrait) -> Backend {
    match connection.get_database_backend() {
        DbBackend::Postgres => Backend::Postgres,
        _ => Backend::Sqlite,
    }
}

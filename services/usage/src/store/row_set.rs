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
            format!("json_to_recordset($1::json) AS given({columns})")
        }
        // Ids are blobs there.
        Backend::Sqlite => {
            let columns = each(|(name, kind)| match kind {
                Kind::Id => format!("unhex(value ->> '{name}', '-') AS {name}"),
                Kind::Number | Kind::Text => format!("value ->> '{name}' AS {name}"),
            });
            format!("(SELECT {columns} FROM json_each($1)) AS given")
        }
    }
}

/// A statement over these rows.
pub fn statement(
    connection: &impl ConnectionTrait,
    sql: String,
    rows: &impl Serialize,
) -> Result<Statement, StoreError> {
    let rows = serde_json::to_string(rows).map_err(|_| StoreError::Corrupt("a row to write"))?;
    let backend = connection.get_database_backend();
    Ok(Statement::from_sql_and_values(backend, sql, [rows.into()]))
}

/// The engine behind a connection.
pub fn backend_of(connection: &impl ConnectionTrait) -> Backend {
    match connection.get_database_backend() {
        DbBackend::Postgres => Backend::Postgres,
        _ => Backend::Sqlite,
    }
}

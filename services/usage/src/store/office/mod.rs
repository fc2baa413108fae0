//! The books for those who look at them and look after them: records, reports, alerts, the breaker,
//! months and reconciliation. Whoever writes entries does it through the teller.

mod alerts;
mod chores;
mod partitions;
mod reconcile;
mod records;
mod reports;
mod spending;

use database::{Backend, Database};
use sea_orm::{ConnectionTrait, FromQueryResult, Statement, Value};

use super::error::StoreError;

/// The books, in SQLite or PostgreSQL.
#[derive(Debug, Clone)]
pub struct SqlOffice {
    db: Database,
}

impl SqlOffice {
    /// The books in this database; its migrations must have run.
    #[must_use]
    pub const fn new(db: Database) -> Self {
        Self { db }
    }

    fn is_postgres(&self) -> bool {
        self.db.backend() == Backend::Postgres
    }
}

/// The rows of a query.
async fn rows<T: FromQueryResult>(
    on: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<T>, StoreError> {
    let statement = Statement::from_sql_and_values(on.get_database_backend(), sql, values);
    Ok(T::find_by_statement(statement).all(on).await?)
}

/// Changes rows, and says how many.
async fn change(
    on: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<u64, StoreError> {
    let statement = Statement::from_sql_and_values(on.get_database_backend(), sql, values);
    Ok(on.execute_raw(statement).await?.rows_affected())
}

/// A column of ids as text, the way ids are printed.
fn id_text(backend: Backend, column: &str) -> String {
    match backend {
        Backend::Postgres => format!("{column}::text"),
        Backend::Sqlite => {
            let part = |from, length| format!("substr(lower(hex({column})), {from}, {length})");
            [(1, 8), (9, 4), (13, 4), (17, 4), (21, 12)]
                .map(|(from, length)| part(from, length))
                .join(" || '-' || ")
        }
    }
}

/// One number.
#[derive(Debug, FromQueryResult)]
struct Number {
    n: i64,
}

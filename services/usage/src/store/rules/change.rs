//! A change of the rules: one transaction that holds everybody else off, begins a new version and
//! leaves an audit row.

use std::sync::Arc;

use database::Transaction;
use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};

use super::{Shelf, audit, hold, load};
use crate::domain::audit::AuditEvent;
use crate::domain::plan::Plan;
use crate::domain::rules::Rules;
use crate::store::SqlBook;
use crate::store::error::StoreError;

/// A change under way; dropping it undoes it.
pub struct Change {
    /// Where it is written.
    pub tx: Transaction,
    /// The rules before it.
    pub before: Arc<Rules>,
    /// The version that it makes.
    pub version: i64,
}

impl Change {
    /// Begins one. Whoever works by the rules finishes first; whoever comes later waits, and then
    /// works by the new ones.
    pub async fn begin(book: &SqlBook) -> Result<Self, StoreError> {
        let tx = hold(&book.db).await?;
        let version = load::version(&*tx).await?;
        let before = book.shelf.of_version(&*tx, version).await?;
        let raise = "UPDATE rules_version SET version = version + 1";
        execute(&*tx, raise, []).await?;
        let version = version + 1;
        Ok(Self {
            tx,
            before,
            version,
        })
    }

    /// Makes it durable, with its audit row.
    pub async fn end(self, event: &AuditEvent) -> Result<(), StoreError> {
        audit::insert(&*self.tx, event).await?;
        Ok(self.tx.commit().await?)
    }
}

impl Shelf {
    // Read on the change's own connection: waiting for another one while everybody waits for this
    // transaction could take for ever.
    async fn of_version(
        &self,
        connection: &impl ConnectionTrait,
        version: i64,
    ) -> Result<Arc<Rules>, StoreError> {
        if let Some(rules) = self.peek().filter(|rules| rules.version == version) {
            return Ok(rules);
        }
        let rules = load::read(connection, self.plans.clone(), self.calendar.clone());
        Ok(Arc::new(rules.await?))
    }

    /// What the configuration says of a plan.
    pub fn configured(&self, name: &str) -> Option<&Plan> {
        self.plans.find(name).ok()
    }
}

/// Runs a statement, and says how many rows it touched.
pub async fn execute(
    connection: &impl ConnectionTrait,
    sql: impl Into<String>,
    values: impl IntoIterator<Item = Value>,
) -> Result<u64, StoreError> {
    let backend = connection.get_database_backend();
    let statement = Statement::from_sql_and_values(backend, sql, values);
    Ok(connection.execute_raw(statement).await?.rows_affected())
}

/// The rows a query gives.
pub async fn query(
    connection: &impl ConnectionTrait,
    sql: impl Into<String>,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<QueryResult>, StoreError> {
    let backend = connection.get_database_backend();
    let statement = Statement::from_sql_and_values(backend, sql, values);
    Ok(connection.query_all_raw(statement).await?)
}

/// The one number a query gives as `n`.
pub async fn number(
    connection: &impl ConnectionTrait,
    sql: impl Into<String>,
    values: impl IntoIterator<Item = Value>,
) -> Result<i64, StoreError> {
    let rows = query(connection, sql, values).await?;
    let row = rows.first().ok_or(StoreError::Corrupt("a number"))?;
    Ok(row.try_get("", "n")?)
}

//! Transactions: IMMEDIATE on SQLite, and begun where a cancelled caller cannot cut them short.

use std::ops::Deref;
use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};

use crate::{Backend, Database, DatabaseError};

/// An open transaction; dropping it rolls it back.
pub struct Transaction(DatabaseTransaction);

impl Database {
    /// Begins a write transaction. On SQLite it holds the one writer until it ends, so keep it
    /// short and never wait for anything but the database inside it.
    ///
    /// # Errors
    /// No connection is free in time, or the database does not answer.
    pub async fn begin(&self) -> Result<Transaction, DatabaseError> {
        let writer = self.write().clone();
        self.begin_on(writer, SqliteTransactionMode::Immediate)
            .await
    }

    /// Begins a transaction that only reads, and sees the database as it is at one moment however
    /// long it reads. It keeps no writer waiting. On PostgreSQL its statements may run for
    /// `statement_timeout`.
    ///
    /// # Errors
    /// No connection is free in time, or the database does not answer.
    pub async fn snapshot(
        &self,
        statement_timeout: Duration,
    ) -> Result<Transaction, DatabaseError> {
        let reader = self.read().clone();
        let transaction = self
            .begin_on(reader, SqliteTransactionMode::Deferred)
            .await?;
        if self.backend() == Backend::Postgres {
            let millis = statement_timeout.as_millis();
            let sql = format!(
                "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; \
                 SET LOCAL statement_timeout = {millis}"
            );
            transaction.execute_unprepared(&sql).await?;
        }
        Ok(transaction)
    }

    async fn begin_on(
        &self,
        connection: DatabaseConnection,
        mode: SqliteTransactionMode,
    ) -> Result<Transaction, DatabaseError> {
        let db = self.clone();
        // A `begin` dropped half-way poisons the pooled connection (see connect.rs), so it runs in
        // a task of its own, which ends whatever becomes of the caller.
        let begun = tokio::spawn(async move {
            // A deferred transaction that reads before it writes fails with "database is locked"
            // as soon as two meet.
            let options = TransactionOptions {
                sqlite_transaction_mode: Some(mode),
                ..TransactionOptions::default()
            };
            #[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
            let begin = connection.begin_with_options(options);
            // Nor may it wait for ever, for it has a place in the pool.
            db.within_patience(async { begin.await.map_err(DatabaseError::from) })
                .await
        });
        let transaction = begun.await.map_err(DatabaseError::unavailable)??;
        Ok(Transaction(transaction))
    }
}

impl Transaction {
    /// Makes everything done in it durable.
    ///
    /// # Errors
    /// The database does not answer: the outcome is unknown until it is asked again.
    pub async fn commit(self) -> Result<(), DatabaseError> {
        Ok(self.0.commit().await?)
    }

    /// Undoes everything done in it.
    ///
    /// # Errors
    /// The database does not answer; then nothing was done either.
    pub async fn rollback(self) -> Result<(), DatabaseError> {
        Ok(self.0.rollback().await?)
    }
}

impl Deref for Transaction {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &DatabaseTransaction {
        &self.0
    }
}

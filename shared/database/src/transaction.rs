//! Transactions: IMMEDIATE on SQLite, and begun where a cancelled caller cannot cut them short.

use std::ops::Deref;

use sea_orm::{DatabaseTransaction, SqliteTransactionMode, TransactionOptions, TransactionTrait};

use crate::{Database, DatabaseError};

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
        // A `begin` dropped half-way poisons the pooled connection (see connect.rs), so it runs in
        // a task of its own, which ends whatever becomes of the caller.
        let begun = tokio::spawn(async move {
            // A deferred transaction that reads before it writes fails with "database is locked"
            // as soon as two meet.
            let options = TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            };
            #[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
            writer.begin_with_options(options).await
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

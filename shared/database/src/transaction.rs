//! Transactions: IMMEDIATE on SQLite, and begun where a cancelled caller cannot cut them short.

use std::ops::Deref;
use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};

use crate::line::{Inner, Line};
use crate::session::Session;
use crate::{Database, DatabaseError};

/// Advisory locks of PostgreSQL, taken in their order. SQLite has one writer, who needs none.
#[derive(Debug, Clone, Copy)]
pub enum Locks<'a> {
    /// Nobody else holds them.
    Alone(&'a [i64]),
    /// Others may share them.
    Shared(&'a [i64]),
}

/// An open transaction; dropping it rolls it back.
pub struct Transaction(Line);

impl Database {
    /// Begins a write transaction. On SQLite it holds the one writer until it ends, so keep it
    /// short and never wait for anything but the database inside it.
    ///
    /// # Errors
    /// No connection is free in time, or the database does not answer.
    pub async fn begin(&self) -> Result<Transaction, DatabaseError> {
        self.begin_holding(Locks::Alone(&[])).await
    }

    /// Begins a write transaction that holds locks until it ends, from before anything is read in it.
    ///
    /// # Errors
    /// As [`Database::begin`].
    pub async fn begin_holding(&self, locks: Locks<'_>) -> Result<Transaction, DatabaseError> {
        // One way to the server and back for all.
        let (function, keys) = match locks {
            Locks::Alone(keys) => ("pg_advisory_xact_lock", keys),
            Locks::Shared(keys) => ("pg_advisory_xact_lock_shared", keys),
        };
        let taken = keys.iter().map(|key| format!("{function}({key})"));
        let taken: Vec<String> = taken.collect();
        let begin = match taken.is_empty() {
            true => "BEGIN".to_owned(),
            false => format!("BEGIN; SELECT {}", taken.join(", ")),
        };
        let writer = self.write();
        self.begin_on(writer, SqliteTransactionMode::Immediate, &begin)
            .await
    }

    /// Begins a transaction that only reads, and sees the database as it is at one moment however
    /// long it reads. It keeps no writer waiting. On PostgreSQL its statements may run for
    /// `statement_timeout`, and may read whole tables.
    ///
    /// # Errors
    /// No connection is free in time, or the database does not answer.
    pub async fn snapshot(
        &self,
        statement_timeout: Duration,
    ) -> Result<Transaction, DatabaseError> {
        let millis = statement_timeout.as_millis();
        let sql = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
             SET LOCAL statement_timeout = {millis}; \
             SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = on; \
             SET LOCAL enable_mergejoin = on"
        );
        let reader = self.read();
        self.begin_on(reader, SqliteTransactionMode::Deferred, &sql)
            .await
    }

    async fn begin_on(
        &self,
        connection: &DatabaseConnection,
        mode: SqliteTransactionMode,
        begin: &str,
    ) -> Result<Transaction, DatabaseError> {
        let inner = match self.sessions() {
            // Whoever is cut short here leaves the connection to the pool, which rolls it back.
            Some(sessions) => {
                let begun = async {
                    let session = sessions.open().await?;
                    session.execute_unprepared(begin).await?;
                    Ok::<_, DatabaseError>(session)
                };
                Inner::Postgres(self.within_patience(begun).await?)
            }
            None => Inner::Sqlite(self.begin_sqlite(connection.clone(), mode).await?),
        };
        Ok(Transaction(Line(inner)))
    }

    async fn begin_sqlite(
        &self,
        connection: DatabaseConnection,
        mode: SqliteTransactionMode,
    ) -> Result<DatabaseTransaction, DatabaseError> {
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
        begun.await.map_err(DatabaseError::unavailable)?
    }
}

impl Transaction {
    /// Makes everything done in it durable.
    ///
    /// # Errors
    /// The database does not answer: the outcome is unknown until it is asked again.
    pub async fn commit(self) -> Result<(), DatabaseError> {
        match self.0.0 {
            Inner::Sqlite(transaction) => Ok(transaction.commit().await?),
            Inner::Postgres(session) => end(session, "COMMIT").await,
            Inner::Pool(_) => Ok(()),
        }
    }

    /// Undoes everything done in it.
    ///
    /// # Errors
    /// The database does not answer; then nothing was done either.
    pub async fn rollback(self) -> Result<(), DatabaseError> {
        match self.0.0 {
            Inner::Sqlite(transaction) => Ok(transaction.rollback().await?),
            Inner::Postgres(session) => end(session, "ROLLBACK").await,
            Inner::Pool(_) => Ok(()),
        }
    }
}

async fn end(session: Session, how: &str) -> Result<(), DatabaseError> {
    session.execute_unprepared(how).await?;
    session.hand_on();
    Ok(())
}

impl Deref for Transaction {
    type Target = Line;

    fn deref(&self) -> &Line {
        &self.0
    }
}

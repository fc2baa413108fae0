//! Builds the pools, and guards them against what the stack gets wrong by default.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sea_orm::{DatabaseConnection, SqlxPostgresConnector, SqlxSqliteConnector};
use secrecy::ExposeSecret;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Executor};

use crate::session::{FRESH, Sessions};
use crate::{DatabaseError, Settings};

/// Which engine a database runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// One file, one writer at a time.
    Sqlite,
    /// A server, many writers.
    Postgres,
}

/// A service's database.
#[derive(Debug, Clone)]
pub struct Database {
    reader: DatabaseConnection,
    writer: DatabaseConnection,
    // On PostgreSQL.
    sessions: Option<Sessions>,
    backend: Backend,
    service: String,
    patience: Duration,
}

impl Database {
    /// Opens the database; makes the SQLite file, or the PostgreSQL schema, when it is missing.
    ///
    /// # Errors
    /// The database does not answer, or the file is no database.
    pub async fn connect(settings: &Settings) -> Result<Self, DatabaseError> {
        let url = settings.url.expose_secret();
        match url.strip_prefix("sqlite:") {
            Some(path) => connect_sqlite(Path::new(path.trim_start_matches("//")), settings).await,
            None => connect_postgres(url, settings).await,
        }
    }

    /// For reads. On SQLite these connections cannot write.
    #[must_use]
    pub fn read(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// For a write of one statement. Several statements belong in [`Database::begin`].
    #[must_use]
    pub fn write(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// Which engine this is.
    #[must_use]
    pub const fn backend(&self) -> Backend {
        self.backend
    }

    /// The service this database belongs to.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Does work on the database, and gives it up when it takes longer than one statement may: no
    /// statement's limit helps against a server that is gone without a word.
    ///
    /// # Errors
    /// Those of the work; it took too long, and whether it was done is not known.
    pub async fn within_patience<T, E: From<DatabaseError>>(
        &self,
        work: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, E> {
        let outcome = tokio::time::timeout(self.patience, work).await;
        outcome.unwrap_or_else(|late| Err(DatabaseError::unavailable(late).into()))
    }

    /// Asks the database for an answer.
    ///
    /// # Errors
    /// It gives none.
    pub async fn ping(&self) -> Result<(), DatabaseError> {
        Ok(self.reader.ping().await?)
    }

    pub(crate) const fn sessions(&self) -> Option<&Sessions> {
        self.sessions.as_ref()
    }

    /// Closes every connection; on SQLite this folds the write-ahead log into the file.
    pub async fn close(self) {
        if let Some(sessions) = &self.sessions {
            sessions.close();
        }
        // An error here only means that a connection was gone already.
        let _ = self.reader.close().await;
        let _ = self.writer.close().await;
    }
}

async fn connect_sqlite(path: &Path, settings: &Settings) -> Result<Database, DatabaseError> {
    if let Some(folder) = path.parent() {
        tokio::fs::create_dir_all(folder)
            .await
            .map_err(DatabaseError::unavailable)?;
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // Not NORMAL: what was accepted must survive a power cut too, at half a millisecond a commit.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5))
        .foreign_keys(true)
        .disable_statement_logging();
    let pool = |connections| {
        SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(settings.acquire_timeout)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
    };
    // The writer opens first: it makes the file, which readers may not.
    let writer: SqlitePool = pool(1)
        .connect_with(options.clone().create_if_missing(true))
        .await?;
    let readers = settings.max_connections.min(4);
    let reader = pool(readers).connect_with(options.read_only(true)).await?;
    Ok(Database {
        reader: SqlxSqliteConnector::from_sqlx_sqlite_pool(reader),
        writer: SqlxSqliteConnector::from_sqlx_sqlite_pool(writer),
        sessions: None,
        backend: Backend::Sqlite,
        service: settings.service.clone(),
        patience: settings.statement_timeout,
    })
}

async fn connect_postgres(url: &str, settings: &Settings) -> Result<Database, DatabaseError> {
    let millis = |span: Duration| span.as_millis().to_string();
    let options = PgConnectOptions::from_str(url)?
        .application_name(&format!("bottega-{}", settings.service))
        .options([
            ("search_path", settings.service.clone()),
            ("statement_timeout", millis(settings.statement_timeout)),
            ("lock_timeout", millis(settings.statement_timeout / 2)),
            // The last guard should a transaction ever be left open in the pool.
            ("idle_in_transaction_session_timeout", "10s".to_owned()),
            // Services name their rows by keys. A plan that reads a whole table, made while the table was
            // small, would be kept while it grows; and compiling one takes longer than all it does.
            ("enable_seqscan", "off".to_owned()),
            ("enable_hashjoin", "off".to_owned()),
            ("enable_mergejoin", "off".to_owned()),
            ("jit", "off".to_owned()),
            // A ROLLBACK without a transaction (below) is no news.
            ("client_min_messages", "error".to_owned()),
        ])
        .disable_statement_logging();
    let patience = settings.acquire_timeout;
    let pool: PgPool = PgPoolOptions::new()
        .max_connections(settings.max_connections)
        .acquire_timeout(settings.acquire_timeout)
        .test_before_acquire(false)
        // Finds connections that died while idle.
        .before_acquire(|connection, usage| {
            Box::pin(async move {
                Ok(usage.idle_for < FRESH || connection.ping().await.is_ok())
            })
        })
        // A `begin` whose caller was dropped would leave its transaction open in the pool (sqlx
        // #4385, in every release up to 0.9.0), and later writes would be lost in it. And one that was
        // given up in the middle of its work is asked whether it is still there, and closed when it
        // does not say so in time: TCP would keep it, and its place, for minutes.
        .after_release(move |connection, _| {
            Box::pin(async move {
                let answer = tokio::time::timeout(patience, connection.execute("ROLLBACK")).await;
                answer.unwrap_or(Err(sqlx::Error::PoolTimedOut))?;
                Ok(true)
            })
        })
        .connect_with(options)
        .await?;
    let sessions = Sessions::new(pool.clone(), settings.acquire_timeout);
    let connection = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
    Ok(Database {
        reader: connection.clone(),
        writer: connection,
        sessions: Some(sessions),
        backend: Backend::Postgres,
        service: settings.service.clone(),
        patience: settings.statement_timeout,
    })
}

//! PostgreSQL connections that go from one piece of work to the next. The pool asks every connection
//! that comes back twice whether it is well; what takes a moment pays more for that than for its work. So
//! whoever finishes well hands its connection to whoever comes next, and only what was given up in the
//! middle goes back to the pool, which looks after it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement};
use sea_query_sqlx::SqlxValues;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Connection, Executor, Postgres};

use crate::DatabaseError;

/// A connection that was in use a moment ago is taken to be alive.
pub(crate) const FRESH: Duration = Duration::from_millis(20);

type Kept = (Instant, PoolConnection<Postgres>);

/// The connections that wait for the next piece of work.
#[derive(Debug, Clone)]
pub(crate) struct Sessions {
    pool: PgPool,
    // None once it is closed.
    kept: Arc<Mutex<Option<Vec<Kept>>>>,
    most: usize,
    patience: Duration,
}

/// A connection at work. Dropping it gives it back to the pool, whatever state it is in.
#[derive(Debug)]
pub(crate) struct Session {
    connection: tokio::sync::Mutex<PoolConnection<Postgres>>,
    home: Sessions,
}

impl Sessions {
    /// Over this pool, half of which at most is kept from others.
    pub(crate) fn new(pool: PgPool, patience: Duration) -> Self {
        let half = pool.options().get_max_connections() / 2;
        Self {
            pool,
            kept: Arc::new(Mutex::new(Some(Vec::new()))),
            most: usize::try_from(half).unwrap_or_default(),
            patience,
        }
    }

    /// The connection that was used last, or one of the pool.
    pub(crate) async fn open(&self) -> Result<Session, DatabaseError> {
        while let Some((since, mut connection)) = self.take() {
            let is_well = since.elapsed() < FRESH
                || matches!(
                    tokio::time::timeout(self.patience, connection.ping()).await,
                    Ok(Ok(()))
                );
            if is_well {
                return Ok(self.session(connection));
            }
        }
        Ok(self.session(self.pool.acquire().await?))
    }

    /// Keeps none from now on, and gives back those it has.
    pub(crate) fn close(&self) {
        *self.lock() = None;
    }

    fn session(&self, connection: PoolConnection<Postgres>) -> Session {
        Session {
            connection: tokio::sync::Mutex::new(connection),
            home: self.clone(),
        }
    }

    fn take(&self) -> Option<Kept> {
        self.lock().as_mut()?.pop()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<Kept>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// Its work is done, and no transaction is open: the next one may have it.
    pub(crate) fn hand_on(self) {
        let connection = self.connection.into_inner();
        if let Some(kept) = self.home.lock().as_mut()
            && kept.len() < self.home.most
        {
            kept.push((Instant::now(), connection));
        }
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Session {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let mut connection = self.connection.lock().await;
        let done = query(&statement.sql, statement.values).execute(&mut **connection);
        Ok(done.await.map_err(not_executed)?.into())
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let mut connection = self.connection.lock().await;
        let done = connection.execute(AssertSqlSafe(sql)).await;
        Ok(done.map_err(not_executed)?.into())
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let mut connection = self.connection.lock().await;
        let row = query(&statement.sql, statement.values).fetch_optional(&mut **connection);
        Ok(row.await.map_err(not_queried)?.map(Into::into))
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut connection = self.connection.lock().await;
        let rows = query(&statement.sql, statement.values).fetch_all(&mut **connection);
        let rows = rows.await.map_err(not_queried)?.into_iter();
        Ok(rows.map(Into::into).collect())
    }
}

// What is said here was built by this crate's callers, with what came from outside as its values.
fn query(
    sql: &str,
    values: Option<sea_orm::Values>,
) -> sqlx::query::Query<'_, Postgres, SqlxValues> {
    let values = values.unwrap_or_else(|| sea_orm::Values(Vec::new()));
    sqlx::query_with(AssertSqlSafe(sql), SqlxValues(values))
}

fn not_executed(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error)))
}

fn not_queried(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(Arc::new(error)))
}

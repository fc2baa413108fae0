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
use tokio::runtime::Handle;

use crate::DatabaseError;

/// A connection that was in use a moment ago is taken to be alive.
pub(crate) const FRESH: Duration = Duration::from_millis(20);

type Kept = (Instant, PoolConnection<Postgres>);

/// The connections that wait for the next piece of work.
#[derive(Debug, Clone)]
pub(crate) struct Sessions {
    pool: PgPool,
    shelf: Arc<Shelf>,
    most: usize,
    patience: Duration,
}

// None once it is closed.
#[derive(Debug)]
struct Shelf(Mutex<Option<Vec<Kept>>>);

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
            shelf: Arc::new(Shelf(Mutex::new(Some(Vec::new())))),
            most: usize::try_from(half).unwrap_or_default(),
            patience,
        }
    }

    /// The connection that was used last, or one of the pool; in time, or none.
    pub(crate) async fn open(&self) -> Result<Session, DatabaseError> {
        let opened = tokio::time::timeout(self.patience, self.next()).await;
        let opened = opened.map_err(DatabaseError::unavailable)?;
        Ok(Session {
            connection: tokio::sync::Mutex::new(opened?),
            home: self.clone(),
        })
    }

    async fn next(&self) -> Result<PoolConnection<Postgres>, DatabaseError> {
        while let Some((since, mut connection)) = self.take() {
            if since.elapsed() < FRESH || connection.ping().await.is_ok() {
                return Ok(connection);
            }
        }
        Ok(self.pool.acquire().await?)
    }

    /// Keeps none from now on, and gives back those it has.
    pub(crate) fn close(&self) {
        *self.shelf.lock() = None;
    }

    fn take(&self) -> Option<Kept> {
        self.shelf.lock().as_mut()?.pop()
    }
}

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, Option<Vec<Kept>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        // A pool takes connections back on a runtime only.
        if Handle::try_current().is_err() {
            for (_, connection) in self.lock().take().into_iter().flatten() {
                drop(connection.leak());
            }
        }
    }
}

impl Session {
    /// Its work is done, and no transaction is open: the next one may have it. Where the pool has none to
    /// give, it goes there: nobody who waits for one sees the shelf.
    pub(crate) fn hand_on(self) {
        let connection = self.connection.into_inner();
        let pool = &self.home.pool;
        if pool.num_idle() == 0 && pool.size() >= pool.options().get_max_connections() {
            return;
        }
        if let Some(kept) = self.home.shelf.lock().as_mut()
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

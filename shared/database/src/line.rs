//! What statements are spoken through: a connection of a moment, or an open transaction's.

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult,
    QueryResult, Statement,
};

use crate::session::Session;
use crate::{Database, DatabaseError};

/// A connection at work.
pub struct Line(pub(crate) Inner);

pub(crate) enum Inner {
    // Each statement takes the pool's next connection.
    Pool(DatabaseConnection),
    Sqlite(DatabaseTransaction),
    Postgres(Session),
}

impl Database {
    /// For reads that come often: what is done with [`Line::hand_on`] leaves its connection warm for the
    /// next one.
    ///
    /// # Errors
    /// No connection is free in time, or the database does not answer.
    pub async fn reading(&self) -> Result<Line, DatabaseError> {
        self.line(self.read()).await
    }

    /// For writes of one statement that come often.
    ///
    /// # Errors
    /// No connection is free in time, or the database does not answer.
    pub async fn writing(&self) -> Result<Line, DatabaseError> {
        self.line(self.write()).await
    }

    async fn line(&self, pool: &DatabaseConnection) -> Result<Line, DatabaseError> {
        Ok(Line(match self.sessions() {
            Some(sessions) => Inner::Postgres(sessions.open().await?),
            None => Inner::Pool(pool.clone()),
        }))
    }
}

impl Line {
    /// All was answered: whoever comes next may have the connection. After a failure, or when somebody gave
    /// up, it is dropped instead.
    pub fn hand_on(self) {
        if let Inner::Postgres(session) = self.0 {
            session.hand_on();
        }
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Line {
    fn get_database_backend(&self) -> DbBackend {
        match &self.0 {
            Inner::Pool(pool) => pool.get_database_backend(),
            Inner::Sqlite(transaction) => transaction.get_database_backend(),
            Inner::Postgres(session) => session.get_database_backend(),
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match &self.0 {
            Inner::Pool(pool) => pool.execute_raw(statement).await,
            Inner::Sqlite(transaction) => transaction.execute_raw(statement).await,
            Inner::Postgres(session) => session.execute_raw(statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match &self.0 {
            Inner::Pool(pool) => pool.execute_unprepared(sql).await,
            Inner::Sqlite(transaction) => transaction.execute_unprepared(sql).await,
            Inner::Postgres(session) => session.execute_unprepared(sql).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match &self.0 {
            Inner::Pool(pool) => pool.query_one_raw(statement).await,
            Inner::Sqlite(transaction) => transaction.query_one_raw(statement).await,
            Inner::Postgres(session) => session.query_one_raw(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match &self.0 {
            Inner::Pool(pool) => pool.query_all_raw(statement).await,
            Inner::Sqlite(transaction) => transaction.query_all_raw(statement).await,
            Inner::Postgres(session) => session.query_all_raw(statement).await,
        }
    }
}

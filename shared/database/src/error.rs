//! Where driver errors end.

use std::error::Error;

use errors::Fault;
use sea_orm::{DbErr, RuntimeErr, SqlErr};

/// What a database call can come to.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The database does not answer, or has no connection free in time.
    #[error("the database does not answer")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The connection broke: whether what was under way was done is not known.
    #[error("the connection to the database broke")]
    Lost(#[source] Box<dyn Error + Send + Sync>),
    /// A unique constraint stands in the way; the text names it.
    #[error("a row like this exists: {0}")]
    Duplicate(String),
    /// Two transactions met; doing the whole transaction again can succeed.
    #[error("the transaction must be repeated")]
    Conflict(#[source] Box<dyn Error + Send + Sync>),
    /// Anything else: a fault of ours.
    #[error("the database refused a statement")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
}

impl DatabaseError {
    pub(crate) fn unavailable(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<DbErr> for DatabaseError {
    fn from(error: DbErr) -> Self {
        if let Some(SqlErr::UniqueConstraintViolation(text)) = error.sql_err() {
            return Self::Duplicate(text);
        }
        match &error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Self::unavailable(error),
            DbErr::Exec(RuntimeErr::SqlxError(inner))
            | DbErr::Query(RuntimeErr::SqlxError(inner)) => match class(inner.as_ref()) {
                Class::Away => Self::unavailable(error),
                Class::Lost => Self::Lost(error.into()),
                Class::Conflict => Self::Conflict(error.into()),
                Class::Other => Self::Refused(error.into()),
            },
            _ => Self::Refused(error.into()),
        }
    }
}

impl From<sqlx::Error> for DatabaseError {
    fn from(error: sqlx::Error) -> Self {
        match class(&error) {
            Class::Conflict => Self::Conflict(error.into()),
            Class::Lost => Self::Lost(error.into()),
            _ => Self::unavailable(error),
        }
    }
}

impl From<DatabaseError> for Fault {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Unavailable(_) | DatabaseError::Lost(_) | DatabaseError::Conflict(_) => {
                Self::unavailable("the database", error)
            }
            DatabaseError::Duplicate(_) | DatabaseError::Refused(_) => Self::internal(error),
        }
    }
}

enum Class {
    Away,
    Lost,
    Conflict,
    Other,
}

// PostgreSQL: 40001 serialization, 40P01 deadlock, 08* connection, 57P01 and 57P02 ended in the middle
// of its work, other 57P* shutdown, 53* resources, 25006 read-only (a replica). SQLite: 5 busy, 6 locked, 13 full.
fn class(error: &sqlx::Error) -> Class {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => Class::Lost,
        sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Class::Away,
        sqlx::Error::Database(inner) => match inner.code().as_deref() {
            Some("40001" | "40P01" | "5" | "6" | "261" | "517") => Class::Conflict,
            Some("57P01" | "57P02") => Class::Lost,
            Some("25006" | "13" | "55P03" | "57014") => Class::Away,
            Some(code) if ["08", "57P", "53"].iter().any(|one| code.starts_with(one)) => {
                Class::Away
            }
            _ => Class::Other,
        },
        _ => Class::Other,
    }
}

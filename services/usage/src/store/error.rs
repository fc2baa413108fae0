//! Where database errors end and the domain's begin.

use database::DatabaseError;
use sea_orm::DbErr;

use crate::domain::error::Error;

/// What a transaction can come to.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The domain's rules say no.
    #[error(transparent)]
    Domain(Error),
    /// A row is not as we write it.
    #[error("the books are corrupt: {0}")]
    Corrupt(&'static str),
    /// A transaction was begun again and again.
    #[error("the books do not come to rest")]
    Restless,
}

impl StoreError {
    /// Whether the whole transaction should be tried again.
    pub const fn is_conflict(&self) -> bool {
        matches!(
            self,
            Self::Database(DatabaseError::Conflict(_) | DatabaseError::Duplicate(_))
        )
    }

    /// Whether the connection broke, so that nobody knows whether the transaction was done.
    pub const fn is_lost(&self) -> bool {
        matches!(self, Self::Database(DatabaseError::Lost(_)))
    }

    /// Whether it is a fault of ours or of a row's, and trying again is no use.
    pub const fn is_fault(&self) -> bool {
        matches!(
            self,
            Self::Database(DatabaseError::Refused(_) | DatabaseError::Duplicate(_))
                | Self::Corrupt(_)
        )
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        Self::Database(error.into())
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Domain(error) => error,
            error if error.is_fault() => Self::Broken(error.into()),
            error => Self::Unavailable(error.into()),
        }
    }
}

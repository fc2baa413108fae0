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
    /// The domain's rules said no.
    #[error(transparent)]
    Domain(Error),
    /// A row is not as we write it.
    #[error("the books are corrupt: {0}")]
    Corrupt(&'static str),
}

impl StoreError {
    /// Whether the whole transaction should be tried again.
    pub const fn is_conflict(&self) -> bool {
        matches!(self, Self::Database(DatabaseError::Conflict(_)))
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
            StoreError::Domain(inner) => inner,
            StoreError::Database(
                inner @ (DatabaseError::Unavailable(_) | DatabaseError::Conflict(_)),
            ) => Self::Unavailable(inner.into()),
            StoreError::Database(inner) => Self::Broken(inner.into()),
            StoreError::Corrupt(_) => Self::Broken(error.into()),
        }
    }
}

//! Where database errors become the domain's.

use database::DatabaseError;
use sea_orm::DbErr;

use crate::domain::Error;

impl From<DatabaseError> for Error {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Unavailable(_) | DatabaseError::Lost(_) | DatabaseError::Conflict(_) => {
                Self::Unavailable(error.into())
            }
            DatabaseError::Duplicate(_) | DatabaseError::Refused(_) => Self::internal(error),
        }
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        DatabaseError::from(error).into()
    }
}

/// A row holds what its CHECKs should have kept out.
pub fn corrupt(what: &'static str) -> Error {
    Error::internal(format!("unreadable row: {what}"))
}

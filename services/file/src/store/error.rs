//! Where database errors end.

use database::DatabaseError;

use crate::domain::FileError;

impl From<DatabaseError> for FileError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Unavailable(_) | DatabaseError::Lost(_) | DatabaseError::Conflict(_) => {
                Self::Unavailable {
                    what: "the database",
                    source: error.into(),
                }
            }
            DatabaseError::Duplicate(_) | DatabaseError::Refused(_) => Self::internal(error),
        }
    }
}

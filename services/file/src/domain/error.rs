//! What a file operation can come to.

use std::error::Error;

use types::FileId;

/// Why an operation failed. The sentences are for the caller; sources are for the log only.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// A field is wrong in a way that shows only while bytes come.
    #[error("{field} {problem}")]
    InvalidField {
        /// As JSON names it.
        field: &'static str,
        /// What would be right.
        problem: &'static str,
    },
    /// More bytes or pixels than are taken.
    #[error("{message}")]
    TooLarge {
        /// What is too large, and what is allowed.
        message: String,
        /// The limit that stands in the way, in the unit the message names.
        limit: u64,
    },
    /// The content is of no type that is taken, or not of the type it claims.
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// The content claims to be a picture and is none.
    #[error("{0}")]
    Unreadable(String),
    /// The bytes stopped coming before they were whole.
    #[error("{0}")]
    Incomplete(String),
    /// There is no such file, or it is another user's.
    #[error("no such file")]
    NotFound,
    /// No byte of the requested range exists.
    #[error("the requested range lies outside the file's {size} bytes")]
    RangeNotSatisfiable {
        /// The file's size in bytes.
        size: u64,
    },
    /// The row is there, the bytes are not.
    #[error("the bytes of file {0} are missing from the store")]
    Lost(FileId),
    /// Something this service needs does not answer.
    #[error("{what} does not answer")]
    Unavailable {
        /// Which dependency, e.g. "the database".
        what: &'static str,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A fault of ours.
    #[error("internal error")]
    Internal(#[source] Box<dyn Error + Send + Sync>),
}

impl FileError {
    /// Not one byte came.
    pub const EMPTY: Self = Self::InvalidField {
        field: "content",
        problem: "must not be empty",
    };

    /// A fault of ours.
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }
}

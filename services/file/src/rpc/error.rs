//! What a domain error is on the wire.

use errors::{Fault, Reason};
use tonic::Status;
use tonic::metadata::MetadataValue;

use crate::domain::FileError;

impl From<FileError> for Fault {
    fn from(error: FileError) -> Self {
        let message = error.to_string();
        match error {
            FileError::InvalidField { field, problem } => Self::field(field, problem),
            FileError::TooLarge { limit, .. } => {
                Self::new(Reason::TooLarge, message).with("limit", limit)
            }
            FileError::UnsupportedMediaType(_) => Self::new(Reason::UnsupportedMediaType, message),
            FileError::Unreadable(_) => Self::new(Reason::UnreadableFile, message),
            FileError::Incomplete(_) => Self::new(Reason::IncompleteBody, message),
            FileError::NotFound => Self::not_found("file"),
            FileError::RangeNotSatisfiable { size } => {
                Self::new(Reason::RangeNotSatisfiable, message).with("size", size)
            }
            FileError::Lost(id) => {
                // A row without bytes is damage that someone must look at.
                tracing::error!(file.id = %id, "the bytes of a file are missing from the store");
                Self::new(
                    Reason::Unavailable,
                    "the file's bytes cannot be read right now",
                )
            }
            FileError::Unavailable { what, source } => Self::unavailable(what, source),
            FileError::Internal(source) => Self::internal(source),
        }
    }
}

impl From<FileError> for Status {
    fn from(error: FileError) -> Self {
        let size = match &error {
            FileError::RangeNotSatisfiable { size } => Some(*size),
            _ => None,
        };
        let mut status = Self::from(Fault::from(error));
        // RFC 9110, section 15.5.17: the refusal says how much there is.
        let content_range = size.map(|size| MetadataValue::try_from(format!("bytes */{size}")));
        if let Some(Ok(value)) = content_range {
            status.metadata_mut().insert("content-range", value);
        }
        status
    }
}

//! Wire types to domain types and back.

use std::fmt::Display;
use std::str::FromStr;

use contracts::file::v1 as wire;
use errors::{Fault, Violations};
use types::{FileId, PageRequest, SessionId};

use crate::domain::{File, FileName, NewFile};

const MAX_OPERATION: usize = 128;

/// Reads a file's id.
pub fn file_id(text: &str) -> Result<FileId, Fault> {
    text.parse()
        .map_err(|error: types::InvalidId| Fault::field("id", error.to_string()))
}

/// Reads what the first message says about a file. A user's operation id is not honoured: it
/// would let one client answer for another's upload.
pub fn new_file(first: &wire::CreateFileRequest, by_service: bool) -> Result<NewFile, Fault> {
    let mut violations = Violations::new();
    let session = optional(&mut violations, "sessionId", &first.session_id);
    let operation = Some(&first.operation_id).filter(|text| by_service && !text.is_empty());
    if let Some(text) = operation {
        violations.check(
            text.len() <= MAX_OPERATION && text.bytes().all(|byte| byte.is_ascii_graphic()),
            "operationId",
            "must have at most 128 visible ASCII characters",
        );
    }
    violations.finish()?;
    let content = first.content.as_ref();
    Ok(NewFile {
        name: FileName::clean(&first.name),
        session,
        declared_type: content
            .map(|body| body.content_type.clone())
            .unwrap_or_default(),
        operation: operation.cloned(),
    })
}

/// Reads which files are asked for.
pub fn list(request: &wire::ListFilesRequest) -> Result<(Option<SessionId>, PageRequest), Fault> {
    let mut violations = Violations::new();
    let session = optional(&mut violations, "sessionId", &request.session_id);
    match PageRequest::parse(request.page_size, &request.page_token) {
        Ok(page) => {
            violations.finish()?;
            Ok((session, page))
        }
        Err(error) => {
            violations.add(error.field(), error.to_string());
            Err(violations.into_fault())
        }
    }
}

impl From<File> for wire::File {
    fn from(file: File) -> Self {
        Self {
            id: file.id.to_string(),
            name: file.name.to_string(),
            content_type: file.content_type,
            size: i64::try_from(file.size).unwrap_or(i64::MAX),
            sha256: file.sha256,
            width: i32::try_from(file.width).unwrap_or(i32::MAX),
            height: i32::try_from(file.height).unwrap_or(i32::MAX),
            session_id: file.session.map(|id| id.to_string()).unwrap_or_default(),
            created_at: Some(file.created_at.into()),
        }
    }
}

fn optional<T>(violations: &mut Violations, field: &str, text: &str) -> Option<T>
where
    T: FromStr,
    T::Err: Display,
{
    if text.is_empty() {
        return None;
    }
    violations.read(field, text.parse())
}

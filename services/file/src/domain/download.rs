//! The way of a file's bytes out: what a conditional request gets (RFC 9110, section 13).

use std::ops::Range;
use std::sync::Arc;

use futures::StreamExt;
use types::{FileId, UserId};

use super::{Blobs, File, FileError, FileStore, Pieces, RangeRequest};

/// What the client already has or wants only a part of; fields as they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// `Range`.
    pub range: Option<String>,
    /// `If-Range`.
    pub if_range: Option<String>,
    /// `If-None-Match`.
    pub if_none_match: Option<String>,
}

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Nothing: the client has it.
    NotModified,
    /// Everything.
    Whole,
    /// These bytes, fewer than all or as many as were asked for.
    Part(Range<u64>),
}

impl Plan {
    /// Decides by the conditions, in the order of RFC 9110, section 13.2.2.
    ///
    /// # Errors
    /// `RangeNotSatisfiable`.
    pub fn decide(file: &File, conditions: &Conditions) -> Result<Self, FileError> {
        let tag = entity_tag(file);
        if let Some(tags) = &conditions.if_none_match
            && names(tags, &tag)
        {
            return Ok(Self::NotModified);
        }
        // A part is only of use to a client whose other parts are of the same content.
        if let Some(validator) = &conditions.if_range
            && validator.trim() != tag
        {
            return Ok(Self::Whole);
        }
        let asked = conditions.range.as_deref().and_then(RangeRequest::parse);
        match asked.map(|range| range.within(file.size)) {
            None => Ok(Self::Whole),
            Some(Some(range)) => Ok(Self::Part(range)),
            Some(None) => Err(FileError::RangeNotSatisfiable { size: file.size }),
        }
    }

    /// The bytes that are sent, of a file of `size` bytes; `None` when there is no content.
    #[must_use]
    pub fn bytes(&self, size: u64) -> Option<Range<u64>> {
        match self {
            Self::NotModified => None,
            Self::Whole => Some(0..size),
            Self::Part(range) => Some(range.clone()),
        }
    }
}

/// The strong validator of a file: its hash, quoted.
#[must_use]
pub fn entity_tag(file: &File) -> String {
    format!("\"{}\"", file.sha256)
}

// Weak comparison over a list, or `*` (section 13.1.2). Our tags hold no comma, so splitting at
// every comma finds ours wherever it stands.
fn names(tags: &str, tag: &str) -> bool {
    let strip = |one: &str| -> bool {
        let one = one.trim();
        one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag
    };
    tags.split(',').any(strip)
}

/// A file on its way out.
pub struct Download {
    /// What is known of it.
    pub file: File,
    /// What is sent.
    pub plan: Plan,
    /// The bytes of the plan, in pieces.
    pub pieces: Pieces,
}

/// Hands bytes out.
pub struct Downloads {
    files: Arc<dyn FileStore>,
    blobs: Arc<dyn Blobs>,
}

impl Downloads {
    /// Downloads of stored files.
    #[must_use]
    pub fn new(files: Arc<dyn FileStore>, blobs: Arc<dyn Blobs>) -> Self {
        Self { files, blobs }
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    /// `NotFound`, also for another user's file; `RangeNotSatisfiable`; `Lost` when the row
    /// stands without bytes.
    pub async fn open(
        &self,
        owner: UserId,
        id: FileId,
        conditions: &Conditions,
    ) -> Result<Download, FileError> {
        let found = self.files.find_owned(owner, id).await?;
        let file = found.ok_or(FileError::NotFound)?;
        let plan = Plan::decide(&file, conditions)?;
        let pieces = match plan.bytes(file.size) {
            Some(range) => self.blobs.read(id, range).await?,
            None => futures::stream::empty().boxed(),
        };
        Ok(Download { file, plan, pieces })
    }
}

#[cfg(test)]
mod tests {
    use types::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::domain::FileName;

    fn file() -> File {
        File {
            id: FileId(Uuid::nil()),
            owner: UserId(Uuid::nil()),
            session: None,
            name: FileName::clean("a"),
            content_type: "image/png".to_owned(),
            size: 100,
            sha256: "abc".to_owned(),
            width: 1,
            height: 1,
            created_at: Timestamp(0),
        }
    }

    fn plan(range: &str, if_range: &str, if_none_match: &str) -> Result<Plan, FileError> {
        let field = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let conditions = Conditions {
            range: field(range),
            if_range: field(if_range),
            if_none_match: field(if_none_match),
        };
        Plan::decide(&file(), &conditions)
    }

    #[test]
    fn a_client_that_has_it_gets_nothing() {
        for tags in ["\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "*", " \"abc\" "] {
            assert_eq!(plan("bytes=500-", "", tags).unwrap(), Plan::NotModified);
        }
        for tags in ["abc", "\"ABC\"", "\"abcd\"", "w/\"abc\""] {
            assert_eq!(plan("", "", tags).unwrap(), Plan::Whole, "{tags}");
        }
    }

    #[test]
    fn a_part_is_for_the_same_content_only() {
        let part = Plan::Part(1..3);
        assert_eq!(plan("bytes=1-2", "", "").unwrap(), part);
        assert_eq!(plan("bytes=1-2", "\"abc\"", "").unwrap(), part);
        for other in ["\"old\"", "W/\"abc\"", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            assert_eq!(plan("bytes=1-2", other, "").unwrap(), Plan::Whole);
        }
        assert_eq!(plan("bytes=500-", "\"old\"", "").unwrap(), Plan::Whole);
    }

    #[test]
    fn outside_is_an_error() {
        let refused = plan("bytes=100-", "", "");
        assert!(matches!(
            refused,
            Err(FileError::RangeNotSatisfiable { size: 100 })
        ));
    }
}

//! A stored file, and what is said about one before it is stored.

use types::{FileId, SessionId, Timestamp, UserId};

use super::FileName;

/// A visible file: its bytes are whole, hashed and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Also names the bytes in the store; never anything the user said.
    pub id: FileId,
    /// Whose it is.
    pub owner: UserId,
    /// The client's grouping it belongs to.
    pub session: Option<SessionId>,
    /// What the user calls it.
    pub name: FileName,
    /// What the content is, found by looking at it.
    pub content_type: String,
    /// In bytes.
    pub size: u64,
    /// SHA-256 of the bytes, in lower-case hex.
    pub sha256: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// When it became visible.
    pub created_at: Timestamp,
}

/// What is said about a file before its bytes come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// What the user calls it.
    pub name: FileName,
    /// The client's grouping it belongs to.
    pub session: Option<SessionId>,
    /// The media type it claims to be; empty claims nothing.
    pub declared_type: String,
    /// Makes the call safe to repeat: one file per owner and operation, ever.
    pub operation: Option<String>,
}

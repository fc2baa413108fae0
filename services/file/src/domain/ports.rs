//! What the domain needs from the world: a place for bytes, a place for rows.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use types::{FileId, PageRequest, SessionId, Timestamp, UserId};

use super::{File, FileError};

/// A file's bytes, piece by piece.
pub type Pieces = BoxStream<'static, Result<Bytes, FileError>>;

/// Where bytes are kept. An object is there whole and durable, or not at all.
#[async_trait]
pub trait Blobs: Send + Sync + 'static {
    /// Begins an object; nobody can read it before it is finished.
    async fn create(&self, id: FileId) -> Result<Box<dyn BlobWriter>, FileError>;

    /// Reads a part of an object. Fails with `Lost` when there is no such object; a stream that
    /// is cut short ends with an error, never silently.
    async fn read(&self, id: FileId, range: Range<u64>) -> Result<Pieces, FileError>;

    /// Removes an object, or what an unfinished one left behind. Removing nothing is fine.
    async fn remove(&self, id: FileId) -> Result<(), FileError>;

    /// Whether the store can be used.
    async fn ping(&self) -> Result<(), FileError>;
}

/// An object being written. Dropping it unfinished leaves nothing to read.
#[async_trait]
pub trait BlobWriter: Send {
    /// Adds a piece, waiting while the store is slower than the bytes.
    async fn write(&mut self, piece: Bytes) -> Result<(), FileError>;

    /// Makes the object readable; when this returns it outlives a power cut.
    async fn finish(self: Box<Self>) -> Result<(), FileError>;

    /// Gives up.
    async fn abort(self: Box<Self>) -> Result<(), FileError>;
}

/// What became of a new row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inserted {
    /// The file is visible.
    Visible,
    /// The operation made this file before.
    Repeated(File),
    /// The sweeper has taken the upload for dead; its bytes are going.
    Abandoned,
}

/// Rows of files. Nothing here finds a file without its owner.
#[async_trait]
pub trait FileStore: Send + Sync + 'static {
    /// Ends the upload and makes the file visible, in one transaction. After an error the outcome
    /// is unknown.
    async fn insert(&self, file: &File, operation: Option<&str>) -> Result<Inserted, FileError>;

    /// The owner's visible file.
    async fn find_owned(&self, owner: UserId, id: FileId) -> Result<Option<File>, FileError>;

    /// The owner's visible files, newest first; one more than the page holds, if there are more.
    async fn list_owned(
        &self,
        owner: UserId,
        session: Option<SessionId>,
        page: PageRequest,
    ) -> Result<Vec<File>, FileError>;

    /// Takes the owner's file out of sight; `false` when there is none.
    async fn hide_owned(
        &self,
        owner: UserId,
        id: FileId,
        now: Timestamp,
    ) -> Result<bool, FileError>;
}

/// Rows of what is not visible: uploads under way, deleted files. For the service itself.
#[async_trait]
pub trait UploadStore: Send + Sync + 'static {
    /// Notes that bytes will be written, unless the owner's operation made a file before: then answers
    /// that, even if it was deleted since.
    async fn begin(
        &self,
        id: FileId,
        now: Timestamp,
        operation: Option<(UserId, &str)>,
    ) -> Result<Option<File>, FileError>;

    /// Forgets an upload whose bytes are gone.
    async fn end(&self, id: FileId) -> Result<(), FileError>;

    /// Marks uploads begun before a moment, so that they cannot become visible any more.
    async fn abandon(
        &self,
        begun_before: Timestamp,
        now: Timestamp,
        limit: u64,
    ) -> Result<Vec<FileId>, FileError>;

    /// Files deleted before a moment.
    async fn deleted(
        &self,
        deleted_before: Timestamp,
        limit: u64,
    ) -> Result<Vec<FileId>, FileError>;

    /// Forgets a deleted file whose bytes are gone.
    async fn purge(&self, id: FileId) -> Result<(), FileError>;
}

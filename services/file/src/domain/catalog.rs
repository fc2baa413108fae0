//! What owners do with files that stand: look, list, delete.

use std::sync::Arc;

use types::{Clock, FileId, Page, PageRequest, SessionId, UserId};

use super::{File, FileError, FileStore};

/// The files that can be seen.
pub struct Catalog {
    files: Arc<dyn FileStore>,
    clock: Arc<dyn Clock>,
}

impl Catalog {
    /// A catalog of stored files.
    #[must_use]
    pub fn new(files: Arc<dyn FileStore>, clock: Arc<dyn Clock>) -> Self {
        Self { files, clock }
    }

    /// What is known of one file.
    ///
    /// # Errors
    /// `NotFound`, also for another user's file.
    pub async fn get(&self, owner: UserId, id: FileId) -> Result<File, FileError> {
        let found = self.files.find_owned(owner, id).await?;
        found.ok_or(FileError::NotFound)
    }

    /// The owner's files, newest first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn list(
        &self,
        owner: UserId,
        session: Option<SessionId>,
        request: PageRequest,
    ) -> Result<Page<File>, FileError> {
        let rows = self.files.list_owned(owner, session, request).await?;
        Ok(Page::from_rows(rows, request, |file| file.id.uuid()))
    }

    /// Takes a file out of sight; its bytes go later.
    ///
    /// # Errors
    /// `NotFound`, also for another user's file and the second time.
    pub async fn delete(&self, owner: UserId, id: FileId) -> Result<(), FileError> {
        if self.files.hide_owned(owner, id, self.clock.now()).await? {
            return Ok(());
        }
        Err(FileError::NotFound)
    }
}

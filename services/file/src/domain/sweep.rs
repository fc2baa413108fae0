//! Removes what nobody will ever see again: dead uploads, and files deleted long enough ago.

use std::sync::Arc;
use std::time::Duration;

use types::{Clock, FileId, Timestamp};

use super::{Blobs, FileError, UploadStore};

const BATCH: u64 = 100;

/// When things are old enough to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ages {
    /// An upload that began this long ago is dead.
    pub upload: Duration,
    /// A file deleted this long ago is purged.
    pub deleted: Duration,
}

/// What one sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Dead uploads removed.
    pub uploads: usize,
    /// Deleted files removed.
    pub files: usize,
    /// Left for the next sweep, because the store refused.
    pub left: usize,
}

/// Sweeps. Several replicas may sweep at once: every step can be repeated.
pub struct Sweeper {
    uploads: Arc<dyn UploadStore>,
    blobs: Arc<dyn Blobs>,
    clock: Arc<dyn Clock>,
    ages: Ages,
}

impl Sweeper {
    /// A sweeper of everything older than `ages`.
    #[must_use]
    pub fn new(
        uploads: Arc<dyn UploadStore>,
        blobs: Arc<dyn Blobs>,
        clock: Arc<dyn Clock>,
        ages: Ages,
    ) -> Self {
        Self {
            uploads,
            blobs,
            clock,
            ages,
        }
    }

    /// Sweeps until nothing old is left, or the store refuses.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn sweep(&self) -> Result<Swept, FileError> {
        let mut swept = Swept::default();
        loop {
            let dead = self.dead_uploads().await?;
            let gone = self.remove(&dead, &mut swept).await;
            for id in &gone {
                self.uploads.end(*id).await?;
            }
            swept.uploads += gone.len();
            let deleted = self.deleted_files().await?;
            let purged = self.remove(&deleted, &mut swept).await;
            for id in &purged {
                self.uploads.purge(*id).await?;
            }
            swept.files += purged.len();
            let full = dead.len().max(deleted.len()) as u64 == BATCH;
            if !full || swept.left > 0 {
                return Ok(swept);
            }
        }
    }

    async fn dead_uploads(&self) -> Result<Vec<FileId>, FileError> {
        let now = self.clock.now();
        let begun_before = earlier(now, self.ages.upload);
        self.uploads.abandon(begun_before, now, BATCH).await
    }

    async fn deleted_files(&self) -> Result<Vec<FileId>, FileError> {
        let deleted_before = earlier(self.clock.now(), self.ages.deleted);
        self.uploads.deleted(deleted_before, BATCH).await
    }

    // The bytes go first: a row that outlives them is found again, bytes without a row are not.
    async fn remove(&self, ids: &[FileId], swept: &mut Swept) -> Vec<FileId> {
        let mut gone = Vec::with_capacity(ids.len());
        for id in ids {
            match self.blobs.remove(*id).await {
                Ok(()) => gone.push(*id),
                Err(error) => {
                    swept.left += 1;
                    tracing::warn!(file.id = %id, error = ?error, "bytes are left for the next sweep");
                }
            }
        }
        gone
    }
}

fn earlier(now: Timestamp, age: Duration) -> Timestamp {
    let micros = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
    Timestamp(now.micros().saturating_sub(micros))
}

//! The way of a file into the store: noted, streamed, checked, and only then visible.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use types::{Clock, FileId, IdSource, UserId};

use super::intake::{Intake, Taken};
use super::{
    BlobWriter, Blobs, Checker, Dimensions, File, FileError, FileStore, Inserted, NewFile,
    UploadStore,
};

/// What uploads need.
pub struct UploadPorts {
    /// Rows of files.
    pub files: Arc<dyn FileStore>,
    /// Rows of uploads.
    pub uploads: Arc<dyn UploadStore>,
    /// Bytes.
    pub blobs: Arc<dyn Blobs>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn IdSource>,
}

/// Takes files in.
pub struct Uploads {
    ports: UploadPorts,
    checker: Checker,
    max_bytes: u64,
    max_duration: Duration,
}

impl Uploads {
    /// Uploads of at most `max_bytes` within `max_duration`, which must lie well below the age
    /// at which the sweeper takes an upload for dead.
    #[must_use]
    pub fn new(
        ports: UploadPorts,
        checker: Checker,
        max_bytes: u64,
        max_duration: Duration,
    ) -> Self {
        Self {
            ports,
            checker,
            max_bytes,
            max_duration,
        }
    }

    /// Stores a file, or answers the one its operation made before.
    ///
    /// # Errors
    /// Whatever is wrong with the content, or `Unavailable`; then nothing is visible, and what
    /// was written is removed now or by the sweeper.
    pub async fn create(
        &self,
        owner: UserId,
        new: NewFile,
        pieces: impl Stream<Item = Result<Bytes, FileError>> + Send + Unpin,
    ) -> Result<File, FileError> {
        let id = FileId(self.ports.ids.next());
        let now = self.ports.clock.now();
        let operation = (new.operation.as_deref()).map(|operation| (owner, operation));
        if let Some(earlier) = self.ports.uploads.begin(id, now, operation).await? {
            return Ok(earlier);
        }
        let (taken, dimensions) = match self.take_in(id, &new.declared_type, pieces).await {
            Ok(content) => content,
            Err(error) => {
                self.discard(id).await;
                return Err(error);
            }
        };
        let operation = new.operation.clone();
        let file = self.describe(id, owner, new, taken, dimensions);
        self.show(file, operation.as_deref()).await
    }

    async fn take_in(
        &self,
        id: FileId,
        declared_type: &str,
        pieces: impl Stream<Item = Result<Bytes, FileError>> + Send + Unpin,
    ) -> Result<(Taken, Dimensions), FileError> {
        let mut writer = self.ports.blobs.create(id).await?;
        let pouring = self.pour(&mut *writer, declared_type, pieces);
        let poured = tokio::time::timeout(self.max_duration, pouring).await;
        let taken = match poured.unwrap_or_else(|_| Err(too_slow())) {
            Ok(taken) => taken,
            Err(error) => {
                if let Err(left) = writer.abort().await {
                    tracing::warn!(file.id = %id, error = ?left, "an upload could not be aborted");
                }
                return Err(error);
            }
        };
        writer.finish().await?;
        let content = self.ports.blobs.read(id, 0..taken.size);
        let dimensions = self
            .checker
            .check(taken.picture, taken.size, content)
            .await?;
        Ok((taken, dimensions))
    }

    async fn pour(
        &self,
        writer: &mut dyn BlobWriter,
        declared_type: &str,
        mut pieces: impl Stream<Item = Result<Bytes, FileError>> + Send + Unpin,
    ) -> Result<Taken, FileError> {
        let mut intake = Intake::new(declared_type, self.max_bytes);
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            intake.take(&piece)?;
            if !piece.is_empty() {
                writer.write(piece).await?;
            }
        }
        intake.finish()
    }

    fn describe(
        &self,
        id: FileId,
        owner: UserId,
        new: NewFile,
        taken: Taken,
        dimensions: Dimensions,
    ) -> File {
        File {
            id,
            owner,
            session: new.session,
            name: new.name,
            content_type: taken.picture.media_type().to_owned(),
            size: taken.size,
            sha256: taken.sha256,
            width: dimensions.width,
            height: dimensions.height,
            created_at: self.ports.clock.now(),
        }
    }

    // After an error here the row may stand all the same, so the bytes must stay: when it does
    // not stand, the upload's row does, and the sweeper follows that.
    async fn show(&self, file: File, operation: Option<&str>) -> Result<File, FileError> {
        match self.ports.files.insert(&file, operation).await? {
            Inserted::Visible => Ok(file),
            Inserted::Repeated(earlier) => {
                self.discard(file.id).await;
                Ok(earlier)
            }
            Inserted::Abandoned => {
                self.discard(file.id).await;
                Err(too_slow())
            }
        }
    }

    // What cannot be removed now keeps its row, which the sweeper follows later.
    async fn discard(&self, id: FileId) {
        let removed = async {
            self.ports.blobs.remove(id).await?;
            self.ports.uploads.end(id).await
        };
        if let Err(error) = removed.await {
            tracing::warn!(file.id = %id, error = ?error, "an upload is left to the sweeper");
        }
    }
}

fn too_slow() -> FileError {
    FileError::Incomplete("the upload took too long".to_owned())
}

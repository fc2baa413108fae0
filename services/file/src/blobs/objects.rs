//! The domain's bytes as objects of a store.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::buffered::BufWriter;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{
    ClientOptions, Error, GetOptions, GetResultPayload, ObjectStore, ObjectStoreExt,
};
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;
use types::FileId;

use super::writer::ObjectWriter;
use super::{S3Settings, StoreSettings};
use crate::domain::{BlobWriter, Blobs, FileError, Pieces};

const PIECE: usize = 64 * 1024;
// What an upload holds in memory before it is handed on: little for a disk, and for S3 above the
// least size of a part, 5 MiB; equal parts, because R2 wants them.
const LOCAL_PART: usize = 512 * 1024;
const S3_PART: usize = 6 * 1024 * 1024;

/// Bytes in an object store.
#[derive(Debug, Clone)]
pub struct ObjectBlobs {
    store: Arc<dyn ObjectStore>,
    part: usize,
    folder: Option<PathBuf>,
}

impl ObjectBlobs {
    /// Opens the store; makes the folder of a local one.
    ///
    /// # Errors
    /// The folder cannot be made, or the settings name no usable store.
    pub fn open(settings: &StoreSettings) -> Result<Self, FileError> {
        match settings {
            StoreSettings::Local(folder) => Self::local(folder),
            StoreSettings::S3(settings) => Self::s3(settings),
        }
    }

    fn local(folder: &Path) -> Result<Self, FileError> {
        std::fs::create_dir_all(folder).map_err(away)?;
        let folder = folder.canonicalize().map_err(away)?;
        // Without fsync a file that was answered as stored could be gone after a power cut.
        let store = LocalFileSystem::new_with_prefix(&folder)
            .map_err(away)?
            .with_fsync(true);
        Ok(Self {
            store: Arc::new(store),
            part: LOCAL_PART,
            folder: Some(folder),
        })
    }

    fn s3(settings: &S3Settings) -> Result<Self, FileError> {
        let client = ClientOptions::new().with_allow_http(settings.allow_http);
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&settings.bucket)
            .with_region(&settings.region)
            .with_access_key_id(&settings.access_key)
            .with_secret_access_key(settings.secret_key.expose_secret())
            .with_virtual_hosted_style_request(!settings.path_style)
            // Not every peer knows DeleteObjects, and only single objects are deleted.
            .with_disable_bulk_delete(true)
            .with_client_options(client);
        if let Some(endpoint) = &settings.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        let store = builder.build().map_err(away)?;
        Ok(Self {
            store: Arc::new(store),
            part: S3_PART,
            folder: None,
        })
    }
}

#[async_trait]
impl Blobs for ObjectBlobs {
    async fn create(&self, id: FileId) -> Result<Box<dyn BlobWriter>, FileError> {
        // One part under way while the next is filled: more would only hold more memory.
        let writer = BufWriter::with_capacity(Arc::clone(&self.store), key_of(id), self.part)
            .with_max_concurrency(1);
        Ok(Box::new(ObjectWriter::new(writer)))
    }

    async fn read(&self, id: FileId, range: Range<u64>) -> Result<Pieces, FileError> {
        let expected = range.end - range.start;
        let options = GetOptions {
            range: Some(range.clone().into()),
            ..GetOptions::default()
        };
        let found = self.store.get_opts(&key_of(id), options).await;
        let found = found.map_err(|error| missing_or_away(id, error))?;
        if found.range != range {
            return Err(FileError::Lost(id));
        }
        let stream = match found.payload {
            GetResultPayload::File(file, _) => from_disk(file, range).await?,
            GetResultPayload::Stream(stream) => stream.map_err(away).boxed(),
        };
        Ok(whole(id, expected, cut(stream)).boxed())
    }

    async fn remove(&self, id: FileId) -> Result<(), FileError> {
        let key = key_of(id);
        if let Some(folder) = &self.folder {
            // LocalFileSystem writes to `<object>#1` and renames; a crash leaves that behind.
            let staged = folder.join(format!("{key}#1"));
            absent_is_fine(tokio::fs::remove_file(staged).await)?;
        }
        match self.store.delete(&key).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(away(error)),
        }
    }

    async fn ping(&self) -> Result<(), FileError> {
        if let Some(folder) = &self.folder {
            return tokio::fs::metadata(folder).await.map(drop).map_err(away);
        }
        // An empty listing of nothing in particular proves endpoint, bucket and key.
        let nothing = Key::from("readiness");
        match self.store.list(Some(&nothing)).next().await {
            Some(Err(error)) => Err(away(error)),
            _ => Ok(()),
        }
    }
}

// UUIDv7s begin with the time, so their ends spread over the folders.
fn key_of(id: FileId) -> Key {
    let name = id.to_string();
    let folder = name.get(34..).unwrap_or_default();
    Key::from(format!("{folder}/{name}"))
}

async fn from_disk(
    file: std::fs::File,
    range: Range<u64>,
) -> Result<BoxStream<'static, Result<Bytes, FileError>>, FileError> {
    let mut file = tokio::fs::File::from_std(file);
    file.seek(std::io::SeekFrom::Start(range.start))
        .await
        .map_err(away)?;
    let part = file.take(range.end - range.start);
    Ok(ReaderStream::with_capacity(part, PIECE)
        .map_err(away)
        .boxed())
}

// No piece is larger than one message should be.
fn cut(
    stream: BoxStream<'static, Result<Bytes, FileError>>,
) -> impl Stream<Item = Result<Bytes, FileError>> + Send {
    stream
        .map_ok(|mut bytes| {
            let count = bytes.len().div_ceil(PIECE);
            let pieces = (0..count).map(move |_| Ok(bytes.split_to(PIECE.min(bytes.len()))));
            futures::stream::iter(pieces)
        })
        .try_flatten()
}

// A short object must not look like a whole one.
fn whole(
    id: FileId,
    expected: u64,
    stream: impl Stream<Item = Result<Bytes, FileError>> + Send + 'static,
) -> impl Stream<Item = Result<Bytes, FileError>> + Send {
    let mut missing = expected;
    let end = futures::stream::once(async { None });
    stream.map(Some).chain(end).filter_map(move |item| {
        let item = match item {
            Some(Ok(bytes)) => {
                missing = missing.saturating_sub(bytes.len() as u64);
                Some(Ok(bytes))
            }
            Some(Err(error)) => {
                missing = 0;
                Some(Err(error))
            }
            None => (missing > 0).then_some(Err(FileError::Lost(id))),
        };
        futures::future::ready(item)
    })
}

fn absent_is_fine(outcome: std::io::Result<()>) -> Result<(), FileError> {
    match outcome {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(away(error)),
        _ => Ok(()),
    }
}

fn missing_or_away(id: FileId, error: Error) -> FileError {
    match error {
        Error::NotFound { .. } => FileError::Lost(id),
        error => away(error),
    }
}

pub(super) fn away(source: impl std::error::Error + Send + Sync + 'static) -> FileError {
    FileError::Unavailable {
        what: "the file store",
        source: source.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stream_that_ends_early_is_no_clean_end() {
        let id = FileId(uuid::Uuid::now_v7());
        for (expected, clean) in [(6, true), (7, false)] {
            let pieces = [
                Ok(Bytes::from_static(b"abc")),
                Ok(Bytes::from_static(b"def")),
            ];
            let stream = whole(id, expected, futures::stream::iter(pieces));
            let items: Vec<_> = stream.collect().await;
            assert_eq!(items.iter().all(Result::is_ok), clean, "{expected}");
        }
    }

    #[tokio::test]
    async fn pieces_are_cut_to_the_size_of_a_message() {
        let bytes = Bytes::from(vec![7; 3 * PIECE + 1]);
        let stream = futures::stream::iter([Ok(bytes), Ok(Bytes::new())]).boxed();
        let pieces: Vec<Bytes> = cut(stream).try_collect().await.unwrap();
        let sizes: Vec<usize> = pieces.iter().map(Bytes::len).collect();
        assert_eq!(sizes, [PIECE, PIECE, PIECE, 1]);
    }
}

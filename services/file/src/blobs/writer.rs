//! One object being written.

use async_trait::async_trait;
use bytes::Bytes;
use object_store::buffered::BufWriter;
use tokio::io::AsyncWriteExt;

use super::objects::away;
use crate::domain::{BlobWriter, FileError};

/// Writes small content in one request and large content in parts.
pub struct ObjectWriter {
    writer: BufWriter,
}

impl ObjectWriter {
    pub(super) fn new(writer: BufWriter) -> Self {
        Self { writer }
    }
}

#[async_trait]
impl BlobWriter for ObjectWriter {
    async fn write(&mut self, piece: Bytes) -> Result<(), FileError> {
        self.writer.put(piece).await.map_err(away)
    }

    async fn finish(mut self: Box<Self>) -> Result<(), FileError> {
        self.writer.shutdown().await.map_err(away)
    }

    async fn abort(mut self: Box<Self>) -> Result<(), FileError> {
        self.writer.abort().await.map_err(away)
    }
}

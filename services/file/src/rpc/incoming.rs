//! A file as it comes over the wire: what the first message says, and a stream of its bytes.

use std::time::Duration;

use bytes::Bytes;
use contracts::file::v1::CreateFileRequest;
use errors::Fault;
use futures::stream::{BoxStream, StreamExt, once, try_unfold};
use tonic::{Code, Status, Streaming};

use super::{MESSAGE_LIMIT, convert};
use crate::domain::{FileError, NewFile};

/// An upload whose first message was read.
pub struct Incoming {
    /// What is said about the file.
    pub new: NewFile,
    /// Its bytes; an error when the client stops in the middle.
    pub pieces: BoxStream<'static, Result<Bytes, FileError>>,
}

impl Incoming {
    /// Reads the first message. A client that sends nothing for `idle` is taken for gone.
    pub async fn open(
        mut stream: Streaming<CreateFileRequest>,
        idle: Duration,
        by_service: bool,
    ) -> Result<Self, Fault> {
        let first = next(&mut stream, idle).await?.ok_or(FileError::EMPTY)?;
        let new = convert::new_file(&first, by_service)?;
        let start = bytes_of(first);
        let rest = try_unfold(stream, move |mut stream| async move {
            let message = next(&mut stream, idle).await?;
            message
                .map(|message| Ok((only_bytes(message)?, stream)))
                .transpose()
        });
        let pieces = once(async { Ok(start) }).chain(rest).boxed();
        Ok(Self { new, pieces })
    }
}

async fn next(
    stream: &mut Streaming<CreateFileRequest>,
    idle: Duration,
) -> Result<Option<CreateFileRequest>, FileError> {
    match tokio::time::timeout(idle, stream.message()).await {
        Ok(message) => message.map_err(|status| broken(&status)),
        Err(_) => Err(FileError::Incomplete(format!(
            "no bytes came for {} s",
            idle.as_secs()
        ))),
    }
}

// The transport's own words tell of sockets and frames; the caller learns what it means.
fn broken(status: &Status) -> FileError {
    match status.code() {
        Code::OutOfRange => FileError::TooLarge {
            message: "a message of the stream is too large: send smaller pieces".to_owned(),
            limit: MESSAGE_LIMIT as u64,
        },
        _ => FileError::Incomplete("the bytes stopped before they were whole".to_owned()),
    }
}

fn only_bytes(message: CreateFileRequest) -> Result<Bytes, FileError> {
    let named = [
        ("name", &message.name),
        ("sessionId", &message.session_id),
        ("operationId", &message.operation_id),
    ];
    match named.iter().find(|(_, text)| !text.is_empty()) {
        None => Ok(bytes_of(message)),
        Some((field, _)) => Err(FileError::InvalidField {
            field,
            problem: "belongs in the first message",
        }),
    }
}

fn bytes_of(message: CreateFileRequest) -> Bytes {
    message
        .content
        .map(|body| Bytes::from(body.data))
        .unwrap_or_default()
}

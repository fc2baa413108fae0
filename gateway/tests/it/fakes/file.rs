//! Remembers what it was sent, and sends what its ids name.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::Duration;

use contracts::file::v1::file_service_server::{FileService, FileServiceServer};
use contracts::file::v1::*;
use contracts::google::api::HttpBody;
use errors::{Fault, Reason};
use futures::{Stream, StreamExt, stream};
use tonic::{Request, Response, Status, Streaming};

use super::{Alarm, Shared, seen};

pub const CONTENT: &[u8] = b"0123456789";
pub const ETAG: &str = "\"0123\"";

/// What happened here.
#[derive(Debug, Clone, Default)]
pub struct Log {
    pub uploads: Shared<Vec<Upload>>,
    /// The metadata of the last `GetFile`.
    pub metadata: Shared<BTreeMap<String, String>>,
    /// How often `GetFile` and `DeleteFile` were called.
    pub asked: Shared<usize>,
    /// Whether both are never answered.
    pub is_stuck: Shared<bool>,
    /// How many bytes of an endless download were taken from here.
    pub sent: Shared<usize>,
    /// Whether an endless download was let go.
    pub dropped: Shared<bool>,
}

impl Log {
    async fn arrive(&self) {
        *self.asked.lock() += 1;
        if *self.is_stuck.lock() {
            std::future::pending::<()>().await;
        }
    }
}

/// An upload as it arrived.
#[derive(Debug, Clone, Default)]
pub struct Upload {
    pub name: String,
    pub session: String,
    pub content_type: String,
    pub bytes: Vec<u8>,
    pub messages: usize,
    /// Whether the stream ended as a whole one does.
    pub whole: bool,
}

pub fn service(log: &Log) -> FileServiceServer<Files> {
    FileServiceServer::new(Files(log.clone()))
}

pub struct Files(Log);

type Pieces = Pin<Box<dyn Stream<Item = Result<HttpBody, Status>> + Send>>;

fn piece(data: &[u8]) -> HttpBody {
    HttpBody {
        content_type: "image/png".into(),
        data: data.to_vec(),
        extensions: Vec::new(),
    }
}

fn unsupported() -> Status {
    Fault::new(Reason::UnsupportedMediaType, "no such type").into()
}

#[tonic::async_trait]
impl FileService for Files {
    type GetFileContentStream = Pieces;

    async fn create_file(
        &self,
        request: Request<Streaming<CreateFileRequest>>,
    ) -> Result<Response<CreateFileResponse>, Status> {
        let mut messages = request.into_inner();
        let mut upload = Upload::default();
        loop {
            match messages.message().await {
                Ok(Some(message)) => upload.add(message),
                Ok(None) => break,
                Err(status) => {
                    self.0.uploads.lock().push(upload);
                    return Err(status);
                }
            }
            if upload.name == "stuck.bin" {
                std::future::pending::<()>().await;
            }
            if upload.name == "refused.txt" {
                return Err(unsupported());
            }
        }
        upload.whole = true;
        self.0.uploads.lock().push(upload.clone());
        let size = i64::try_from(upload.bytes.len()).unwrap_or(i64::MAX);
        let file = File {
            name: upload.name,
            size,
            ..File::default()
        };
        Ok(Response::new(CreateFileResponse { file: Some(file) }))
    }

    async fn list_files(
        &self,
        request: Request<ListFilesRequest>,
    ) -> Result<Response<ListFilesResponse>, Status> {
        let size = request.into_inner().page_size;
        let file = File {
            id: "f-1".into(),
            size: i64::from(size),
            ..File::default()
        };
        Ok(Response::new(ListFilesResponse {
            files: vec![file],
            next_page_token: String::new(),
        }))
    }

    async fn get_file(
        &self,
        request: Request<GetFileRequest>,
    ) -> Result<Response<GetFileResponse>, Status> {
        *self.0.metadata.lock() = seen(request.metadata());
        self.0.arrive().await;
        let id = request.into_inner().id;
        match id.as_str() {
            "missing" => Err(Fault::not_found("file").into()),
            "slow" => {
                tokio::time::sleep(Duration::from_secs(5)).await;
                Err(Status::internal("nobody should wait for this"))
            }
            "leaky" => Err(Status::internal("connection to 10.0.0.7:5432 refused")),
            "taken" => Err(Status::already_exists("it is there already")),
            _ => Ok(Response::new(GetFileResponse {
                file: Some(File {
                    id,
                    ..File::default()
                }),
            })),
        }
    }

    async fn get_file_content(
        &self,
        request: Request<GetFileContentRequest>,
    ) -> Result<Response<Pieces>, Status> {
        let metadata = request.metadata().clone();
        let id = request.into_inner().id;
        let given = |name: &str| metadata.get(name).and_then(|value| value.to_str().ok());
        let mut pieces: Vec<Result<HttpBody, Status>> = vec![Ok(piece(CONTENT))];
        let mut answer = BTreeMap::from([("etag", ETAG), ("accept-ranges", "bytes")]);
        if given("if-none-match") == Some(ETAG) {
            answer.insert("x-http-code", "304");
            pieces.clear();
        } else if given("range") == Some("bytes=2-4") {
            answer.extend([("x-http-code", "206"), ("content-range", "bytes 2-4/10")]);
            answer.insert("x-http-content-length", "3");
            pieces = vec![Ok(piece(&CONTENT[2..5]))];
        } else if given("range").is_some() {
            return Err(Fault::new(Reason::RangeNotSatisfiable, "outside").into());
        }
        let pieces: Pieces = match id.as_str() {
            "missing" => return Err(Fault::not_found("file").into()),
            "broken" => {
                pieces.push(Err(Status::unavailable("the store went away")));
                Box::pin(stream::iter(pieces))
            }
            "endless" => {
                let alarm = Alarm(self.0.dropped.clone());
                let sent = self.0.sent.clone();
                Box::pin(stream::repeat(vec![7; 65_536]).map(move |data| {
                    let _held = &alarm;
                    *sent.lock() += data.len();
                    Ok(piece(&data))
                }))
            }
            _ => Box::pin(stream::iter(pieces)),
        };
        let mut response = Response::new(pieces);
        for (name, value) in answer {
            response.metadata_mut().insert(name, value.parse().unwrap());
        }
        response
            .metadata_mut()
            .insert("x-internal", "not for clients".parse().unwrap());
        Ok(response)
    }

    async fn delete_file(
        &self,
        _: Request<DeleteFileRequest>,
    ) -> Result<Response<DeleteFileResponse>, Status> {
        self.0.arrive().await;
        Ok(Response::new(DeleteFileResponse {}))
    }
}

impl Upload {
    fn add(&mut self, message: CreateFileRequest) {
        let content = message.content.unwrap_or_default();
        if self.messages == 0 {
            self.name = message.name;
            self.session = message.session_id;
            self.content_type = content.content_type;
        }
        self.messages += 1;
        self.bytes.extend_from_slice(&content.data);
    }
}

//! The file service: inputs come from it, results go to it, always on behalf of their owner.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use contracts::file::v1::file_service_client::FileServiceClient;
use contracts::file::v1::{CreateFileRequest, File, GetFileContentRequest, GetFileRequest};
use contracts::google::api::HttpBody;
use errors::Fault;
use identity::Credentials;
use server::Link;
use tonic::{Request, Status, Streaming};
use types::FileId;

use super::{limit, within};
use crate::domain::ports::{FileInfo, Files, NewFile, Patron};
use crate::domain::provider::InputImage;

const QUESTION: Duration = Duration::from_secs(5);
const TRANSFER: Duration = Duration::from_secs(120);
// Well under the 4 MiB a message may have.
const PIECE: usize = 256 * 1024;
// More than the file service keeps in one file by default.
const MAX_INPUT: usize = 64 * 1024 * 1024;

/// The file service behind its port.
#[derive(Clone)]
pub struct FilePeer {
    client: FileServiceClient<Link>,
    credentials: Credentials,
}

impl FilePeer {
    /// The file service at the end of this link.
    #[must_use]
    pub fn new(link: Link, credentials: Credentials) -> Self {
        Self {
            client: FileServiceClient::new(link),
            credentials,
        }
    }

    async fn request<T>(
        &self,
        patron: &Patron,
        message: T,
        span: Duration,
    ) -> Result<Request<T>, Fault> {
        let owner = Some((patron.id, patron.tier.as_str()));
        let mut request = self.credentials.request(owner, message).await?;
        limit(&mut request, span);
        Ok(request)
    }

    async fn get(&self, patron: &Patron, file: FileId) -> Result<File, Fault> {
        let message = GetFileRequest {
            id: file.to_string(),
        };
        let request = self.request(patron, message, QUESTION).await?;
        let mut client = self.client.clone();
        let answer = within(QUESTION, client.get_file(request)).await?;
        answer.into_inner().file.ok_or_else(|| empty("GetFile"))
    }
}

#[async_trait]
impl Files for FilePeer {
    async fn describe(&self, patron: &Patron, file: FileId) -> Result<FileInfo, Fault> {
        let file = self.get(patron, file).await?;
        Ok(FileInfo {
            content_type: file.content_type,
            sha256: file.sha256,
            width: u32::try_from(file.width).unwrap_or(0),
            height: u32::try_from(file.height).unwrap_or(0),
        })
    }

    async fn fetch(&self, patron: &Patron, file: FileId) -> Result<InputImage, Fault> {
        let known = self.describe(patron, file).await?;
        let message = GetFileContentRequest {
            id: file.to_string(),
        };
        let request = self.request(patron, message, TRANSFER).await?;
        let mut client = self.client.clone();
        let bytes = within(TRANSFER, async {
            collect(client.get_file_content(request).await?.into_inner()).await
        })
        .await?;
        Ok(InputImage {
            content_type: known.content_type,
            bytes,
            width: known.width,
            height: known.height,
        })
    }

    async fn store(&self, patron: &Patron, file: &NewFile) -> Result<FileId, Fault> {
        let messages = tokio_stream::iter(pieces(file));
        let request = self.request(patron, messages, TRANSFER).await?;
        let mut client = self.client.clone();
        let answer = within(TRANSFER, client.create_file(request)).await?;
        let stored = answer
            .into_inner()
            .file
            .ok_or_else(|| empty("CreateFile"))?;
        stored.id.parse().map_err(Fault::internal)
    }
}

async fn collect(mut stream: Streaming<HttpBody>) -> Result<Bytes, Status> {
    let mut bytes = Vec::new();
    while let Some(piece) = stream.message().await? {
        bytes.extend_from_slice(&piece.data);
        if bytes.len() > MAX_INPUT {
            return Err(Status::out_of_range("the file is larger than expected"));
        }
    }
    Ok(bytes.into())
}

// The first message names the file and brings the first bytes; the rest bring bytes.
fn pieces(file: &NewFile) -> Vec<CreateFileRequest> {
    let mut messages: Vec<CreateFileRequest> = (file.bytes.chunks(PIECE))
        .map(|piece| CreateFileRequest {
            content: Some(HttpBody {
                data: piece.to_vec(),
                ..HttpBody::default()
            }),
            ..CreateFileRequest::default()
        })
        .collect();
    if let Some(first) = messages.first_mut() {
        first.name.clone_from(&file.name);
        first.operation_id = file.operation.to_string();
        first.session_id = file
            .session
            .map(|session| session.to_string())
            .unwrap_or_default();
        if let Some(content) = &mut first.content {
            file.content_type.clone_into(&mut content.content_type);
        }
    }
    messages
}

fn empty(rpc: &str) -> Fault {
    Fault::internal(format!("the file service answered {rpc} without a file"))
}

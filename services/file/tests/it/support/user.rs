//! What a caller does with files, in a word each.

use contracts::file::v1::file_service_client::FileServiceClient;
use contracts::file::v1::{
    CreateFileRequest, DeleteFileRequest, File, GetFileContentRequest, GetFileRequest,
    ListFilesRequest, ListFilesResponse,
};
use contracts::google::api::HttpBody;
use futures::Stream;
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Request, Status};
use types::UserId;

use super::app::TestApp;

/// A caller with a token.
pub struct User {
    pub id: UserId,
    pub acts_for: Option<UserId>,
    token: String,
    client: FileServiceClient<Channel>,
}

/// What a download came to.
#[derive(Debug)]
pub struct Got {
    pub metadata: MetadataMap,
    pub messages: Vec<HttpBody>,
}

impl Got {
    /// All pieces together.
    pub fn bytes(&self) -> Vec<u8> {
        self.messages
            .iter()
            .flat_map(|body| body.data.clone())
            .collect()
    }

    /// A metadata field, empty when it is missing.
    pub fn field(&self, name: &str) -> &str {
        let value = self.metadata.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }
}

impl User {
    pub fn new(app: &TestApp, id: UserId, token: String) -> Self {
        Self {
            id,
            acts_for: None,
            token,
            client: app.client(),
        }
    }

    /// Signs a request.
    pub fn signed<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let bearer = format!("Bearer {}", self.token).parse().unwrap();
        request.metadata_mut().insert("authorization", bearer);
        if let Some(owner) = self.acts_for {
            let owner = owner.to_string().parse().unwrap();
            request.metadata_mut().insert("x-bottega-owner", owner);
        }
        request
    }

    /// Sends these messages as an upload.
    pub async fn send(
        &self,
        messages: impl Stream<Item = CreateFileRequest> + Send + 'static,
    ) -> Result<File, Status> {
        let request = self.signed(messages);
        let response = self.client.clone().create_file(request).await?;
        Ok(response.into_inner().file.unwrap())
    }

    /// Uploads in pieces of a size that fits nothing.
    pub async fn upload(&self, content_type: &str, bytes: &[u8]) -> Result<File, Status> {
        let messages = messages("a.png", content_type, bytes, 10_007);
        self.send(tokio_stream::iter(messages)).await
    }

    pub async fn get(&self, id: &str) -> Result<File, Status> {
        let request = self.signed(GetFileRequest { id: id.to_owned() });
        let response = self.client.clone().get_file(request).await?;
        Ok(response.into_inner().file.unwrap())
    }

    pub async fn delete(&self, id: &str) -> Result<(), Status> {
        let request = self.signed(DeleteFileRequest { id: id.to_owned() });
        self.client.clone().delete_file(request).await.map(drop)
    }

    pub async fn list(&self, request: ListFilesRequest) -> Result<ListFilesResponse, Status> {
        let request = self.signed(request);
        let response = self.client.clone().list_files(request).await?;
        Ok(response.into_inner())
    }

    /// Downloads, with these fields.
    pub async fn content(&self, id: &str, fields: &[(&'static str, &str)]) -> Result<Got, Status> {
        let mut request = self.signed(GetFileContentRequest { id: id.to_owned() });
        for (name, text) in fields {
            request.metadata_mut().insert(*name, text.parse().unwrap());
        }
        let response = self.client.clone().get_file_content(request).await?;
        let metadata = response.metadata().clone();
        let mut stream = response.into_inner();
        let mut messages = Vec::new();
        while let Some(message) = stream.message().await? {
            messages.push(message);
        }
        Ok(Got { metadata, messages })
    }
}

/// An upload's messages: the first names the file, all bring bytes.
pub fn messages(
    name: &str,
    content_type: &str,
    bytes: &[u8],
    piece: usize,
) -> Vec<CreateFileRequest> {
    let mut messages: Vec<CreateFileRequest> = bytes.chunks(piece).map(piece_of).collect();
    if messages.is_empty() {
        messages.push(piece_of(&[]));
    }
    name.clone_into(&mut messages[0].name);
    if let Some(body) = &mut messages[0].content {
        content_type.clone_into(&mut body.content_type);
    }
    messages
}

/// A message that brings bytes and nothing else.
pub fn piece_of(bytes: &[u8]) -> CreateFileRequest {
    CreateFileRequest {
        content: Some(HttpBody {
            data: bytes.to_vec(),
            ..HttpBody::default()
        }),
        ..CreateFileRequest::default()
    }
}

//! `bottega.file.v1.FileService`: who calls, what is asked, do it, say it.

use std::time::Duration;

use contracts::file::v1::file_service_server::FileService;
use contracts::file::v1::{
    CreateFileRequest, CreateFileResponse, DeleteFileRequest, DeleteFileResponse,
    GetFileContentRequest, GetFileRequest, GetFileResponse, ListFilesRequest, ListFilesResponse,
};
use contracts::google::api::HttpBody;
use futures::stream::{BoxStream, StreamExt};
use identity::caller_of;
use tonic::{Extensions, Request, Response, Status, Streaming};

use super::incoming::Incoming;
use super::{convert, headers};
use crate::domain::{Catalog, Download, Downloads, Uploads};

/// The service on the wire.
pub struct FileRpc {
    /// Takes files in.
    pub uploads: Uploads,
    /// Looks, lists, deletes.
    pub catalog: Catalog,
    /// Hands bytes out.
    pub downloads: Downloads,
    /// How long an upload may send nothing.
    pub idle: Duration,
}

#[tonic::async_trait]
impl FileService for FileRpc {
    type GetFileContentStream = BoxStream<'static, Result<HttpBody, Status>>;

    async fn create_file(
        &self,
        request: Request<Streaming<CreateFileRequest>>,
    ) -> Result<Response<CreateFileResponse>, Status> {
        let caller = caller_of(&request)?.clone();
        let owner = caller.owner()?;
        let stream = request.into_inner();
        let incoming = Incoming::open(stream, self.idle, caller.is_service()).await?;
        let stored = self.uploads.create(owner, incoming.new, incoming.pieces);
        let file = Some(stored.await?.into());
        Ok(Response::new(CreateFileResponse { file }))
    }

    async fn list_files(
        &self,
        request: Request<ListFilesRequest>,
    ) -> Result<Response<ListFilesResponse>, Status> {
        let owner = caller_of(&request)?.owner()?;
        let (session, page) = convert::list(request.get_ref())?;
        let page = self.catalog.list(owner, session, page).await?;
        Ok(Response::new(ListFilesResponse {
            files: page.items.into_iter().map(Into::into).collect(),
            next_page_token: page.next_token,
        }))
    }

    async fn get_file(
        &self,
        request: Request<GetFileRequest>,
    ) -> Result<Response<GetFileResponse>, Status> {
        let owner = caller_of(&request)?.owner()?;
        let id = convert::file_id(&request.get_ref().id)?;
        let file = Some(self.catalog.get(owner, id).await?.into());
        Ok(Response::new(GetFileResponse { file }))
    }

    async fn get_file_content(
        &self,
        request: Request<GetFileContentRequest>,
    ) -> Result<Response<Self::GetFileContentStream>, Status> {
        let owner = caller_of(&request)?.owner()?;
        let id = convert::file_id(&request.get_ref().id)?;
        let conditions = headers::conditions(request.metadata());
        let download = self.downloads.open(owner, id, &conditions).await?;
        let metadata = headers::answer(&download)?;
        let body = messages(download);
        Ok(Response::from_parts(metadata, body, Extensions::default()))
    }

    async fn delete_file(
        &self,
        request: Request<DeleteFileRequest>,
    ) -> Result<Response<DeleteFileResponse>, Status> {
        let owner = caller_of(&request)?.owner()?;
        let id = convert::file_id(&request.get_ref().id)?;
        self.catalog.delete(owner, id).await?;
        Ok(Response::new(DeleteFileResponse {}))
    }
}

// The first message carries the media type, every one a piece.
fn messages(download: Download) -> BoxStream<'static, Result<HttpBody, Status>> {
    let mut content_type = download.file.content_type;
    download
        .pieces
        .map(move |piece| {
            let data = piece.map_err(Status::from)?.to_vec();
            Ok(HttpBody {
                content_type: std::mem::take(&mut content_type),
                data,
                extensions: Vec::new(),
            })
        })
        .boxed()
}

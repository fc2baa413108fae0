//! The services around the one under test, on one port: small, but real servers of the contracts.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contracts::auth::v1 as auth;
use contracts::auth::v1::auth_service_server::{AuthService, AuthServiceServer};
use contracts::file::v1 as file;
use contracts::file::v1::file_service_server::{FileService, FileServiceServer};
use contracts::google::api::HttpBody;
use contracts::usage::v1::usage_service_server::UsageServiceServer;
use errors::Fault;
use identity::caller_of;
use server::{GrpcApp, GrpcSettings, Readiness, Shutdown, Sockets};
use testkit::TestIssuer;
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};
use types::{FileId, UserId};
use uuid::Uuid;

use super::suite::SECRET;
use super::usage::{Books, Usage};

/// A kept file.
#[derive(Debug, Clone)]
pub struct Kept {
    pub owner: UserId,
    pub name: String,
    pub session: String,
    pub content_type: String,
    pub bytes: Vec<u8>,
}

/// What the peers keep.
#[derive(Default)]
pub struct State {
    pub files: Mutex<HashMap<FileId, Kept>>,
    operations: Mutex<HashMap<String, FileId>>,
    /// What the usage service keeps.
    pub usage: Books,
    /// How many further calls about reservations are answered `UNAVAILABLE`.
    pub usage_away: AtomicUsize,
    /// How many further uploads are answered `UNAVAILABLE`.
    pub file_away: AtomicUsize,
}

impl State {
    /// Keeps a file of an owner.
    pub fn keep(&self, owner: UserId, content_type: &str, bytes: Vec<u8>) -> FileId {
        let id = FileId(Uuid::now_v7());
        let kept = Kept {
            owner,
            name: "input".to_owned(),
            session: String::new(),
            content_type: content_type.to_owned(),
            bytes,
        };
        self.files.lock().unwrap().insert(id, kept);
        id
    }
}

pub(super) fn take_one(counter: &AtomicUsize) -> bool {
    counter
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
            left.checked_sub(1)
        })
        .is_ok()
}

/// Starts the peers; answers their address.
pub async fn start(issuer: &TestIssuer, state: &Arc<State>, shutdown: &Shutdown) -> String {
    let listen = config::Listen {
        addr: ([127, 0, 0, 1], 0).into(),
        admin: ([127, 0, 0, 1], 0).into(),
    };
    let sockets = Sockets::bind(listen).await.unwrap();
    let address = sockets.addr().to_string();
    let app = GrpcApp::new(
        "peers",
        issuer.verifier(),
        Readiness::new(),
        GrpcSettings::default(),
    )
    .add(AuthServiceServer::new(Auth(issuer.clone())))
    .add(FileServiceServer::new(Files(Arc::clone(state))))
    .add(UsageServiceServer::new(Usage(Arc::clone(state))));
    tokio::spawn(app.serve(sockets, shutdown.clone()));
    address
}

struct Auth(TestIssuer);

#[tonic::async_trait]
impl AuthService for Auth {
    async fn register(
        &self,
        _: Request<auth::RegisterRequest>,
    ) -> Result<Response<auth::RegisterResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn login(
        &self,
        _: Request<auth::LoginRequest>,
    ) -> Result<Response<auth::LoginResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn refresh_tokens(
        &self,
        _: Request<auth::RefreshTokensRequest>,
    ) -> Result<Response<auth::RefreshTokensResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn get_current_user(
        &self,
        _: Request<auth::GetCurrentUserRequest>,
    ) -> Result<Response<auth::GetCurrentUserResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn update_current_user(
        &self,
        _: Request<auth::UpdateCurrentUserRequest>,
    ) -> Result<Response<auth::UpdateCurrentUserResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn get_jwks(
        &self,
        _: Request<auth::GetJwksRequest>,
    ) -> Result<Response<auth::GetJwksResponse>, Status> {
        let key = self.0.key().public();
        let keys = vec![auth::Jwk {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x: URL_SAFE_NO_PAD.encode(key.x),
            kid: key.kid,
            r#use: "sig".to_owned(),
            alg: "EdDSA".to_owned(),
        }];
        Ok(Response::new(auth::GetJwksResponse { keys }))
    }

    async fn issue_service_token(
        &self,
        request: Request<auth::IssueServiceTokenRequest>,
    ) -> Result<Response<auth::IssueServiceTokenResponse>, Status> {
        let request = request.into_inner();
        if request.secret != SECRET {
            return Err(Status::permission_denied("another secret"));
        }
        Ok(Response::new(auth::IssueServiceTokenResponse {
            access_token: self.0.service_token(&request.service),
            expires_in: 3_600,
        }))
    }
}

struct Files(Arc<State>);

impl Files {
    fn find(&self, owner: UserId, id: &str) -> Result<Kept, Status> {
        let missing = || Status::from(Fault::not_found("file"));
        let id: FileId = id.parse().map_err(|_| missing())?;
        let files = self.0.files.lock().unwrap();
        let kept = files.get(&id).filter(|kept| kept.owner == owner);
        kept.cloned().ok_or_else(missing)
    }
}

// Of other bytes, another one.
fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

fn described(id: &str, kept: &Kept) -> file::File {
    let size = image::load_from_memory(&kept.bytes).ok();
    let side = |side: Option<u32>| i32::try_from(side.unwrap_or(0)).unwrap();
    file::File {
        id: id.to_owned(),
        name: kept.name.clone(),
        content_type: kept.content_type.clone(),
        size: i64::try_from(kept.bytes.len()).unwrap(),
        width: side(size.as_ref().map(image::DynamicImage::width)),
        height: side(size.as_ref().map(image::DynamicImage::height)),
        session_id: kept.session.clone(),
        sha256: format!("{:016x}", hash(&kept.bytes)),
        ..file::File::default()
    }
}

#[tonic::async_trait]
impl FileService for Files {
    async fn create_file(
        &self,
        request: Request<Streaming<file::CreateFileRequest>>,
    ) -> Result<Response<file::CreateFileResponse>, Status> {
        let owner = caller_of(&request)?.owner()?;
        let mut stream = request.into_inner();
        let first = stream.message().await?.expect("a first message");
        if take_one(&self.0.file_away) {
            return Err(Fault::unavailable("the file store", "the test says so").into());
        }
        let content = first.content.clone().unwrap_or_default();
        let mut bytes = content.data;
        while let Some(next) = stream.message().await? {
            bytes.extend(next.content.unwrap_or_default().data);
        }
        let kept = Kept {
            owner,
            name: first.name,
            session: first.session_id,
            content_type: content.content_type,
            bytes,
        };
        let mut operations = self.0.operations.lock().unwrap();
        let new = FileId(Uuid::now_v7());
        let id = *operations.entry(first.operation_id).or_insert(new);
        self.0
            .files
            .lock()
            .unwrap()
            .entry(id)
            .or_insert_with(|| kept.clone());
        let file = Some(described(&id.to_string(), &kept));
        Ok(Response::new(file::CreateFileResponse { file }))
    }

    async fn list_files(
        &self,
        _: Request<file::ListFilesRequest>,
    ) -> Result<Response<file::ListFilesResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn get_file(
        &self,
        request: Request<file::GetFileRequest>,
    ) -> Result<Response<file::GetFileResponse>, Status> {
        let owner = caller_of(&request)?.owner()?;
        let id = request.into_inner().id;
        let file = Some(described(&id, &self.find(owner, &id)?));
        Ok(Response::new(file::GetFileResponse { file }))
    }

    type GetFileContentStream =
        std::pin::Pin<Box<dyn Stream<Item = Result<HttpBody, Status>> + Send>>;

    async fn get_file_content(
        &self,
        request: Request<file::GetFileContentRequest>,
    ) -> Result<Response<Self::GetFileContentStream>, Status> {
        let owner = caller_of(&request)?.owner()?;
        let kept = self.find(owner, &request.into_inner().id)?;
        let pieces: Vec<_> = (kept.bytes.chunks(64))
            .map(|piece| {
                Ok(HttpBody {
                    content_type: kept.content_type.clone(),
                    data: piece.to_vec(),
                    ..HttpBody::default()
                })
            })
            .collect();
        Ok(Response::new(Box::pin(tokio_stream::iter(pieces))))
    }

    async fn delete_file(
        &self,
        _: Request<file::DeleteFileRequest>,
    ) -> Result<Response<file::DeleteFileResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }
}

//! An auth service that publishes the stage's key and gives services their tokens.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contracts::auth::v1::auth_service_server::AuthService;
use contracts::auth::v1::{
    GetCurrentUserRequest, GetCurrentUserResponse, GetJwksRequest, GetJwksResponse,
    IssueServiceTokenRequest, IssueServiceTokenResponse, Jwk, LoginRequest, LoginResponse,
    RefreshTokensRequest, RefreshTokensResponse, RegisterRequest, RegisterResponse,
    UpdateCurrentUserRequest, UpdateCurrentUserResponse,
};
use errors::{Fault, Reason};
use identity::{Role, SigningKey};
use tonic::{Request, Response, Status};

use super::{Seen, token};

pub const SECRET: &str = "the suite's shared secret, 32 characters or more";

pub struct Auth {
    pub key: Arc<SigningKey>,
    pub seen: Arc<Seen>,
}

#[tonic::async_trait]
impl AuthService for Auth {
    /// Public; the second key's name tells who asked.
    async fn get_jwks(
        &self,
        request: Request<GetJwksRequest>,
    ) -> Result<Response<GetJwksResponse>, Status> {
        let caller = identity::caller_of(&request);
        let who = caller.map_or("nobody".to_owned(), |caller| {
            caller.role.as_str().to_owned()
        });
        let public = self.key.public();
        let ours = Jwk {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x: URL_SAFE_NO_PAD.encode(public.x),
            kid: public.kid,
            r#use: "sig".to_owned(),
            alg: "EdDSA".to_owned(),
        };
        let other = Jwk {
            kty: "RSA".to_owned(),
            kid: who,
            ..Jwk::default()
        };
        Ok(Response::new(GetJwksResponse {
            keys: vec![ours, other],
        }))
    }

    async fn issue_service_token(
        &self,
        request: Request<IssueServiceTokenRequest>,
    ) -> Result<Response<IssueServiceTokenResponse>, Status> {
        if request.into_inner().secret != SECRET {
            return Err(Fault::new(Reason::InvalidCredentials, "no").into());
        }
        self.seen.started.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        Ok(Response::new(IssueServiceTokenResponse {
            access_token: token(&self.key, Role::Service),
            expires_in: 300,
        }))
    }

    async fn register(
        &self,
        _: Request<RegisterRequest>,
    ) -> Result<Response<RegisterResponse>, Status> {
        Err(Status::unimplemented("not on this stage"))
    }

    async fn login(&self, _: Request<LoginRequest>) -> Result<Response<LoginResponse>, Status> {
        Err(Status::unimplemented("not on this stage"))
    }

    async fn refresh_tokens(
        &self,
        _: Request<RefreshTokensRequest>,
    ) -> Result<Response<RefreshTokensResponse>, Status> {
        Err(Status::unimplemented("not on this stage"))
    }

    async fn get_current_user(
        &self,
        _: Request<GetCurrentUserRequest>,
    ) -> Result<Response<GetCurrentUserResponse>, Status> {
        Err(Status::unimplemented("not on this stage"))
    }

    async fn update_current_user(
        &self,
        _: Request<UpdateCurrentUserRequest>,
    ) -> Result<Response<UpdateCurrentUserResponse>, Status> {
        Err(Status::unimplemented("not on this stage"))
    }
}

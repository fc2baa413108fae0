//! Hands out the test's keys and tokens.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contracts::auth::v1::auth_service_server::{AuthService, AuthServiceServer};
use contracts::auth::v1::*;
use errors::{Fault, Reason};
use identity::caller_of;
use testkit::TestIssuer;
use tonic::{Request, Response, Status};

use crate::house::SECRET;

pub struct Auth {
    issuer: TestIssuer,
}

pub fn service(issuer: TestIssuer) -> AuthServiceServer<Auth> {
    AuthServiceServer::new(Auth { issuer })
}

#[tonic::async_trait]
impl AuthService for Auth {
    async fn register(
        &self,
        request: Request<RegisterRequest>,
    ) -> Result<Response<RegisterResponse>, Status> {
        let email = request.into_inner().email;
        let user = User {
            email,
            tier: user::Tier::Free.into(),
            ..User::default()
        };
        Ok(Response::new(RegisterResponse {
            user: Some(user),
            tokens: None,
        }))
    }

    async fn login(
        &self,
        request: Request<LoginRequest>,
    ) -> Result<Response<LoginResponse>, Status> {
        if request.metadata().contains_key("authorization") {
            return Err(Status::internal("a public rpc was told a token"));
        }
        if request.get_ref().email.starts_with("throttled") {
            let fault = Fault::new(Reason::RateLimited, "too many wrong passwords");
            return Err(fault.retry_in(Duration::from_secs(77)).into());
        }
        let message = "e-mail and password do not belong together";
        Err(Fault::new(Reason::InvalidCredentials, message).into())
    }

    async fn refresh_tokens(
        &self,
        _: Request<RefreshTokensRequest>,
    ) -> Result<Response<RefreshTokensResponse>, Status> {
        let tokens = Tokens {
            expires_in: 900,
            ..Tokens::default()
        };
        Ok(Response::new(RefreshTokensResponse {
            tokens: Some(tokens),
        }))
    }

    async fn get_current_user(
        &self,
        request: Request<GetCurrentUserRequest>,
    ) -> Result<Response<GetCurrentUserResponse>, Status> {
        let id = caller_of(&request)?.subject.clone();
        let user = User {
            id,
            ..User::default()
        };
        Ok(Response::new(GetCurrentUserResponse { user: Some(user) }))
    }

    async fn update_current_user(
        &self,
        _: Request<UpdateCurrentUserRequest>,
    ) -> Result<Response<UpdateCurrentUserResponse>, Status> {
        Err(Status::unimplemented("not in this house"))
    }

    async fn get_jwks(
        &self,
        _: Request<GetJwksRequest>,
    ) -> Result<Response<GetJwksResponse>, Status> {
        let key = self.issuer.key().public();
        let jwk = Jwk {
            kty: "OKP".into(),
            crv: "Ed25519".into(),
            x: URL_SAFE_NO_PAD.encode(key.x),
            kid: key.kid,
            r#use: "sig".into(),
            alg: "EdDSA".into(),
        };
        Ok(Response::new(GetJwksResponse { keys: vec![jwk] }))
    }

    async fn issue_service_token(
        &self,
        request: Request<IssueServiceTokenRequest>,
    ) -> Result<Response<IssueServiceTokenResponse>, Status> {
        let asked = request.into_inner();
        if asked.secret != SECRET {
            return Err(Fault::new(Reason::InvalidCredentials, "wrong secret").into());
        }
        let access_token = self.issuer.service_token(&asked.service);
        Ok(Response::new(IssueServiceTokenResponse {
            access_token,
            expires_in: 3600,
        }))
    }
}

//! `bottega.auth.v1.AuthService`.

use std::sync::Arc;

use contracts::auth::v1::auth_service_server::AuthService;
use contracts::auth::v1::{
    GetCurrentUserRequest, GetCurrentUserResponse, GetJwksRequest, GetJwksResponse,
    IssueServiceTokenRequest, IssueServiceTokenResponse, LoginRequest, LoginResponse,
    RefreshTokensRequest, RefreshTokensResponse, RegisterRequest, RegisterResponse,
    UpdateCurrentUserRequest, UpdateCurrentUserResponse,
};
use errors::Fault;
use identity::caller_of;
use tonic::{Request, Response, Status};

use super::convert;
use crate::domain::{Accounts, Keyring, ServiceTokens, Sessions};

/// The service's rpcs.
pub struct AuthRpc {
    /// Registering, signing in, looking at oneself and changing that.
    pub accounts: Accounts,
    /// Trading refresh tokens.
    pub sessions: Arc<Sessions>,
    /// The services' own tokens.
    pub services: ServiceTokens,
    /// The public keys.
    pub keyring: Arc<Keyring>,
}

#[tonic::async_trait]
impl AuthService for AuthRpc {
    async fn register(
        &self,
        request: Request<RegisterRequest>,
    ) -> Result<Response<RegisterResponse>, Status> {
        let ask = convert::registration(request.into_inner())?;
        let signed_in = self.accounts.register(ask).await.map_err(Fault::from)?;
        Ok(Response::new(RegisterResponse {
            user: Some(signed_in.user.into()),
            tokens: Some(signed_in.tokens.into()),
        }))
    }

    async fn login(
        &self,
        request: Request<LoginRequest>,
    ) -> Result<Response<LoginResponse>, Status> {
        let (email, password) = convert::credentials(request.into_inner())?;
        let signed_in = self.accounts.login(&email, &password).await;
        let signed_in = signed_in.map_err(Fault::from)?;
        Ok(Response::new(LoginResponse {
            user: Some(signed_in.user.into()),
            tokens: Some(signed_in.tokens.into()),
        }))
    }

    async fn refresh_tokens(
        &self,
        request: Request<RefreshTokensRequest>,
    ) -> Result<Response<RefreshTokensResponse>, Status> {
        let presented = convert::refresh_token(request.get_ref())?;
        let tokens = self.sessions.refresh(presented).await;
        let tokens = tokens.map_err(Fault::from)?;
        Ok(Response::new(RefreshTokensResponse {
            tokens: Some(tokens.into()),
        }))
    }

    async fn get_current_user(
        &self,
        request: Request<GetCurrentUserRequest>,
    ) -> Result<Response<GetCurrentUserResponse>, Status> {
        let caller = caller_of(&request)?.owner()?;
        let user = self.accounts.current(caller).await.map_err(Fault::from)?;
        Ok(Response::new(GetCurrentUserResponse {
            user: Some(user.into()),
        }))
    }

    async fn update_current_user(
        &self,
        request: Request<UpdateCurrentUserRequest>,
    ) -> Result<Response<UpdateCurrentUserResponse>, Status> {
        let caller = caller_of(&request)?.owner()?;
        let name = convert::new_name(request.get_ref())?;
        let user = self.accounts.rename(caller, &name).await;
        Ok(Response::new(UpdateCurrentUserResponse {
            user: Some(user.map_err(Fault::from)?.into()),
        }))
    }

    async fn get_jwks(
        &self,
        _request: Request<GetJwksRequest>,
    ) -> Result<Response<GetJwksResponse>, Status> {
        let keys = self.keyring.published().await;
        Ok(Response::new(GetJwksResponse {
            keys: keys.iter().map(convert::jwk).collect(),
        }))
    }

    async fn issue_service_token(
        &self,
        request: Request<IssueServiceTokenRequest>,
    ) -> Result<Response<IssueServiceTokenResponse>, Status> {
        let (service, secret) = convert::service(request.into_inner())?;
        let token = self.services.issue(service, &secret).await;
        Ok(Response::new(IssueServiceTokenResponse {
            access_token: token.map_err(Fault::from)?,
            expires_in: convert::seconds(ServiceTokens::TTL),
        }))
    }
}

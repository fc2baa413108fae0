//! `bottega.auth.v1.ApiKeyService`.

use contracts::auth::v1::api_key_service_server::ApiKeyService;
use contracts::auth::v1::{
    CreateApiKeyRequest, CreateApiKeyResponse, ExchangeApiKeyRequest, ExchangeApiKeyResponse,
    ListApiKeysRequest, ListApiKeysResponse, RevokeApiKeyRequest, RevokeApiKeyResponse,
};
use errors::Fault;
use identity::caller_of;
use tonic::{Request, Response, Status};

use super::convert_keys as convert;
use crate::domain::ApiKeys;

/// The service's rpcs.
pub struct ApiKeyRpc(pub ApiKeys);

#[tonic::async_trait]
impl ApiKeyService for ApiKeyRpc {
    async fn create_api_key(
        &self,
        request: Request<CreateApiKeyRequest>,
    ) -> Result<Response<CreateApiKeyResponse>, Status> {
        let owner = caller_of(&request)?.owner()?;
        let new = convert::new_key(request.into_inner())?;
        let made = self.0.create(owner, new).await;
        let (key, secret) = made.map_err(Fault::from)?;
        Ok(Response::new(CreateApiKeyResponse {
            api_key: Some(key.into()),
            key: secret.reveal().to_owned(),
        }))
    }

    async fn list_api_keys(
        &self,
        request: Request<ListApiKeysRequest>,
    ) -> Result<Response<ListApiKeysResponse>, Status> {
        let owner = caller_of(&request)?.owner()?;
        let page = convert::page(request.get_ref())?;
        let page = self.0.list(owner, page).await.map_err(Fault::from)?;
        Ok(Response::new(ListApiKeysResponse {
            api_keys: page.items.into_iter().map(Into::into).collect(),
            next_page_token: page.next_token,
        }))
    }

    async fn revoke_api_key(
        &self,
        request: Request<RevokeApiKeyRequest>,
    ) -> Result<Response<RevokeApiKeyResponse>, Status> {
        let owner = caller_of(&request)?.owner()?;
        let id = convert::key_id(request.get_ref())?;
        let key = self.0.revoke(owner, id).await.map_err(Fault::from)?;
        Ok(Response::new(RevokeApiKeyResponse {
            api_key: Some(key.into()),
        }))
    }

    async fn exchange_api_key(
        &self,
        request: Request<ExchangeApiKeyRequest>,
    ) -> Result<Response<ExchangeApiKeyResponse>, Status> {
        let presented = convert::presented(request.get_ref())?;
        let exchanged = self.0.exchange(&presented).await.map_err(Fault::from)?;
        Ok(Response::new(exchanged.into()))
    }
}

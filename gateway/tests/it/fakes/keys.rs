//! Knows the API keys a test makes, until it forgets them.

use std::collections::HashMap;
use std::time::Duration;

use contracts::auth::v1::api_key_service_server::{ApiKeyService, ApiKeyServiceServer};
use contracts::auth::v1::*;
use errors::{Fault, Reason};
use identity::{ApiKey, Grant};
use testkit::TestIssuer;
use tonic::{Request, Response, Status};
use types::{ApiKeyId, UserId};
use uuid::Uuid;

use super::Shared;

/// What happens to those who ask.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mood {
    #[default]
    Answers,
    /// Away.
    Fails,
    /// Does not believe that it is the gateway who asks.
    Distrusts,
    /// Says nothing.
    Hangs,
    /// Says what was true a while ago.
    Dawdles(Duration),
}

/// What is known here, and who asked.
#[derive(Debug, Clone, Default)]
pub struct Log {
    good: Shared<HashMap<String, (UserId, Grant)>>,
    /// Every key that was asked for.
    pub asked: Shared<Vec<String>>,
    pub mood: Shared<Mood>,
    /// How long tokens last, in seconds; 300 when it is 0.
    pub life: Shared<i32>,
}

impl Log {
    /// A new key of a user's.
    pub fn make(&self, owner: UserId, scopes: &[&str]) -> (String, ApiKeyId) {
        let text = ApiKey::draw().unwrap().reveal().to_owned();
        let key = ApiKeyId(Uuid::now_v7());
        let scopes = scopes.iter().map(|one| (*one).to_owned()).collect();
        let known = (owner, Grant { key, scopes });
        self.good.lock().insert(text.clone(), known);
        (text, key)
    }

    /// Ends a key.
    pub fn revoke(&self, key: &str) {
        self.good.lock().remove(key);
    }
}

pub fn service(issuer: TestIssuer, log: &Log) -> ApiKeyServiceServer<Keys> {
    ApiKeyServiceServer::new(Keys(issuer, log.clone()))
}

pub struct Keys(TestIssuer, Log);

#[tonic::async_trait]
impl ApiKeyService for Keys {
    async fn create_api_key(
        &self,
        _: Request<CreateApiKeyRequest>,
    ) -> Result<Response<CreateApiKeyResponse>, Status> {
        Err(Status::unimplemented("not in this house"))
    }

    async fn list_api_keys(
        &self,
        _: Request<ListApiKeysRequest>,
    ) -> Result<Response<ListApiKeysResponse>, Status> {
        Ok(Response::new(ListApiKeysResponse::default()))
    }

    async fn revoke_api_key(
        &self,
        _: Request<RevokeApiKeyRequest>,
    ) -> Result<Response<RevokeApiKeyResponse>, Status> {
        Err(Status::unimplemented("not in this house"))
    }

    async fn exchange_api_key(
        &self,
        request: Request<ExchangeApiKeyRequest>,
    ) -> Result<Response<ExchangeApiKeyResponse>, Status> {
        let key = request.into_inner().key;
        self.1.asked.lock().push(key.clone());
        let mood = *self.1.mood.lock();
        let before = self.1.good.lock().get(&key).cloned();
        match mood {
            // Long enough for others to come meanwhile.
            Mood::Answers => tokio::time::sleep(Duration::from_millis(50)).await,
            Mood::Fails => return Err(Fault::unavailable("the database", "away").into()),
            Mood::Distrusts => return Err(Fault::new(Reason::Unauthenticated, "who?").into()),
            Mood::Hangs => tokio::time::sleep(Duration::from_secs(60)).await,
            Mood::Dawdles(span) => tokio::time::sleep(span).await,
        }
        let found = match mood {
            Mood::Dawdles(_) => before,
            _ => self.1.good.lock().get(&key).cloned(),
        };
        let (owner, grant) = found.ok_or_else(|| Fault::not_found("API key"))?;
        let expires_in = match *self.1.life.lock() {
            0 => 300,
            life => life,
        };
        let life = Duration::from_secs(expires_in.unsigned_abs().into());
        Ok(Response::new(ExchangeApiKeyResponse {
            access_token: self.0.key_token(owner, grant, life),
            expires_in,
        }))
    }
}

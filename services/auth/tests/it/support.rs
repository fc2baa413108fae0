//! Starts the service the way the binary does, and speaks to it.

use std::sync::Arc;
use std::time::Duration;

use auth::{App, Config, StartError};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use config::{MapSource, Reader};
use contracts::auth::v1::api_key_service_client::ApiKeyServiceClient;
use contracts::auth::v1::auth_service_client::AuthServiceClient;
use contracts::auth::v1::user_admin_service_client::UserAdminServiceClient;
use contracts::auth::v1::{
    CreateApiKeyRequest, CreateApiKeyResponse, ExchangeApiKeyRequest, ExchangeApiKeyResponse,
    GetCurrentUserRequest, GetJwksRequest, IssueServiceTokenRequest, Jwk, LoginRequest,
    LoginResponse, RefreshTokensRequest, RegisterRequest, RegisterResponse, Tokens,
    UpdateCurrentUserRequest, UpdateUserRequest, User,
};
use database::Database;
use errors::{Fault, Reason, from_status};
use sea_orm::ConnectionTrait;
use server::{Shutdown, Sockets};
use testkit::{ManualClock, TestDb};
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use tonic::{Request, Status};
use types::{Clock, SystemClock, SystemIds};

pub const SECRET: &str = "a secret of the test suite, long enough";
pub const EMAIL: &str = "ada@example.com";
/// Whoever registers with it runs the suite.
pub const ADMIN: &str = "root@example.com";
/// The id of no user.
pub const NOBODY: &str = "0199a8c0-0000-7000-8000-000000000000";
pub const PASSWORD: &str = "correct horse battery";

/// A running service.
pub struct Auth {
    client: AuthServiceClient<Channel>,
    admin: UserAdminServiceClient<Channel>,
    keys: ApiKeyServiceClient<Channel>,
    pub clock: ManualClock,
    shutdown: Shutdown,
    serving: JoinHandle<()>,
}

/// The settings of a service over this database.
pub fn config_of(db: &TestDb) -> Config {
    let source = MapSource::from([
        ("BOTTEGA_AUTH_ADDR", "127.0.0.1:0"),
        ("BOTTEGA_AUTH_ADMIN_ADDR", "127.0.0.1:0"),
        ("BOTTEGA_SERVICE_SECRET", SECRET),
        ("BOTTEGA_AUTH_ADMIN_EMAIL", ADMIN),
        // The machine may be busy with other tests.
        ("BOTTEGA_AUTH_HASH_WAIT", "60s"),
        ("BOTTEGA_GRPC_DEADLINE", "60s"),
    ]);
    let mut reader = Reader::new(&source);
    let mut config = Config::read(&mut reader);
    reader.finish().expect("the settings are fine");
    config.database = db.settings();
    config
}

impl Auth {
    pub async fn start(db: &TestDb) -> Self {
        Self::start_with(config_of(db)).await.expect("auth starts")
    }

    pub async fn start_with(config: Config) -> Result<Self, StartError> {
        let clock = ManualClock::new(SystemClock.now());
        Self::start_at(config, clock).await
    }

    pub async fn start_at(config: Config, clock: ManualClock) -> Result<Self, StartError> {
        let sockets = Sockets::bind(config.listen).await.expect("ports are free");
        let peer = sockets.addr().to_string();
        let app = App::build_with(config, Arc::new(clock.clone()), Arc::new(SystemIds)).await?;
        let shutdown = Shutdown::new(Duration::from_secs(5));
        let stop = shutdown.clone();
        let serving = tokio::spawn(async move {
            app.serve(sockets, stop).await.expect("auth serves");
        });
        let channel = server::connect(&peer).expect("the address is one");
        Ok(Self {
            client: AuthServiceClient::new(channel.clone()),
            admin: UserAdminServiceClient::new(channel.clone()),
            keys: ApiKeyServiceClient::new(channel),
            clock,
            shutdown,
            serving,
        })
    }

    pub async fn stop(self) {
        self.shutdown.trigger();
        self.serving.await.expect("auth stops");
    }

    pub fn client(&self) -> AuthServiceClient<Channel> {
        self.client.clone()
    }

    pub fn admin(&self) -> UserAdminServiceClient<Channel> {
        self.admin.clone()
    }

    pub fn keys(&self) -> ApiKeyServiceClient<Channel> {
        self.keys.clone()
    }

    pub async fn try_make_key(
        &self,
        access_token: &str,
        request: CreateApiKeyRequest,
    ) -> Result<CreateApiKeyResponse, Status> {
        let request = with_token(request, access_token);
        Ok(self.keys().create_api_key(request).await?.into_inner())
    }

    pub async fn make_key(&self, access_token: &str, scopes: &[&str]) -> CreateApiKeyResponse {
        let request = CreateApiKeyRequest {
            display_name: "ci".to_owned(),
            scopes: scopes.iter().map(|one| (*one).to_owned()).collect(),
            expires_at: None,
        };
        let made = self.try_make_key(access_token, request).await;
        made.expect("a key is made")
    }

    /// What the gateway asks when a client sends a key.
    pub async fn exchange(&self, key: &str) -> Result<ExchangeApiKeyResponse, Status> {
        let ask = IssueServiceTokenRequest {
            service: "gateway".to_owned(),
            secret: SECRET.to_owned(),
        };
        let service = self.client().issue_service_token(ask).await?.into_inner();
        let message = ExchangeApiKeyRequest {
            key: key.to_owned(),
        };
        let request = with_token(message, &service.access_token);
        Ok(self.keys().exchange_api_key(request).await?.into_inner())
    }

    pub async fn try_register(
        &self,
        email: &str,
        password: &str,
    ) -> Result<RegisterResponse, Status> {
        let request = RegisterRequest {
            email: email.to_owned(),
            password: password.to_owned(),
            display_name: "Ada".to_owned(),
        };
        Ok(self.client().register(request).await?.into_inner())
    }

    pub async fn register(&self, email: &str) -> (User, Tokens) {
        let answer = self.try_register(email, PASSWORD).await.expect("registers");
        (answer.user.unwrap(), answer.tokens.unwrap())
    }

    pub async fn login(&self, email: &str, password: &str) -> Result<LoginResponse, Status> {
        let request = LoginRequest {
            email: email.to_owned(),
            password: password.to_owned(),
        };
        Ok(self.client().login(request).await?.into_inner())
    }

    pub async fn refresh(&self, token: &str) -> Result<Tokens, Status> {
        let request = RefreshTokensRequest {
            refresh_token: token.to_owned(),
        };
        let answer = self.client().refresh_tokens(request).await?;
        Ok(answer.into_inner().tokens.unwrap())
    }

    pub async fn me(&self, access_token: &str) -> Result<User, Status> {
        let request = with_token(GetCurrentUserRequest {}, access_token);
        let answer = self.client().get_current_user(request).await?;
        Ok(answer.into_inner().user.unwrap())
    }

    pub async fn rename(&self, access_token: &str, name: &str) -> Result<User, Status> {
        let message = UpdateCurrentUserRequest {
            display_name: Some(name.to_owned()),
        };
        let request = with_token(message, access_token);
        let answer = self.client().update_current_user(request).await?;
        Ok(answer.into_inner().user.unwrap())
    }

    pub async fn move_to(&self, token: &str, id: &str, plan: &str) -> Result<User, Status> {
        let message = UpdateUserRequest {
            id: id.to_owned(),
            plan: Some(plan.to_owned()),
        };
        let answer = self.admin().update_user(with_token(message, token)).await?;
        Ok(answer.into_inner().user.unwrap())
    }

    pub async fn jwks(&self) -> Vec<Jwk> {
        let answer = self.client().get_jwks(GetJwksRequest {}).await;
        answer.expect("keys are public").into_inner().keys
    }
}

pub fn with_token<T>(message: T, access_token: &str) -> Request<T> {
    let mut request = Request::new(message);
    let value = format!("Bearer {access_token}").parse().unwrap();
    request.metadata_mut().insert("authorization", value);
    request
}

pub fn fault_of<T: std::fmt::Debug>(answer: Result<T, Status>) -> Fault {
    from_status(answer.expect_err("is refused"))
}

pub fn reason_of<T: std::fmt::Debug>(answer: Result<T, Status>) -> Reason {
    fault_of(answer).reason
}

/// What a token says, unverified.
pub fn claims_of(access_token: &str) -> serde_json::Value {
    let payload = access_token.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// Does something to the tables behind the service's back.
pub async fn execute(db: &TestDb, sql: &str) -> Result<u64, sea_orm::DbErr> {
    let database = Database::connect(&db.settings()).await.unwrap();
    let outcome = database.write().execute_unprepared(sql).await;
    database.close().await;
    Ok(outcome?.rows_affected())
}

/// The first column of a query's first row, as a number.
pub async fn count(db: &TestDb, sql: &str) -> i64 {
    let database = Database::connect(&db.settings()).await.unwrap();
    let connection = database.read();
    let statement = sea_orm::Statement::from_string(connection.get_database_backend(), sql);
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    let number = row.try_get_by_index(0).unwrap();
    database.close().await;
    number
}

//! Puts auth together and runs it.

use std::sync::Arc;

use contracts::auth::v1::api_key_service_server::ApiKeyServiceServer;
use contracts::auth::v1::auth_service_server::AuthServiceServer;
use contracts::auth::v1::user_admin_service_server::UserAdminServiceServer;
use database::{Database, OpenError};
use futures::FutureExt;
use identity::Verifier;
use secrecy::SecretString;
use server::{GrpcApp, Readiness, ServeError, Shutdown, Sockets};
use types::{Clock, IdSource, SystemClock, SystemIds};

use crate::Config;
use crate::domain::{
    Accounts, ApiKeys, Email, Error, Hasher, Keyring, RotationSettings, Sealer, ServiceTokens,
    Sessions, UserAdmin,
};
use crate::rpc::{ApiKeyRpc, AuthRpc, OwnKeys, UserAdminRpc};
use crate::store::{Migrator, Store};

/// The auth service, ready to serve.
pub struct App {
    grpc: GrpcApp,
    database: Arc<Database>,
}

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// There is no secret to prove services with.
    #[error("BOTTEGA_SERVICE_SECRET is not set")]
    NoSecret,
    /// The keys cannot be read or made, or a setting cannot be used.
    #[error("auth cannot start: {0}")]
    Other(String),
}

impl App {
    /// Connects, migrates and wires the service.
    ///
    /// # Errors
    /// The first thing that keeps it from starting.
    pub async fn build(config: Config) -> Result<Self, StartError> {
        Self::build_with(config, Arc::new(SystemClock), Arc::new(SystemIds)).await
    }

    /// The same with a clock and ids of the caller's own.
    ///
    /// # Errors
    /// The first thing that keeps it from starting.
    pub async fn build_with(
        config: Config,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Result<Self, StartError> {
        let secret = config.common.service_secret.clone();
        let secret = secret.ok_or(StartError::NoSecret)?;
        let database =
            Arc::new(Database::open::<Migrator>(&config.database, config.migrate).await?);
        let store = Arc::new(Store::new(Arc::clone(&database)));
        let admin = UserAdminRpc(UserAdmin::new(
            (store.clone(), store.clone()),
            (clock.clone(), ids.clone()),
        ));
        let wired = wire(
            &config,
            &secret,
            store.clone(),
            (clock.clone(), ids.clone()),
        );
        let rpc = wired
            .await
            .map_err(|error| StartError::Other(chain(&error)))?;
        let api_keys = ApiKeyRpc(ApiKeys::new(
            store,
            rpc.keyring.clone(),
            config.access_token_ttl,
            (clock.clone(), ids),
        ));
        let keys = OwnKeys(rpc.keyring.clone());
        let verifier = Verifier::with_clock(keys, clock);
        let grpc = GrpcApp::new("auth", verifier, readiness(&database), config.grpc)
            .add(AuthServiceServer::new(rpc))
            .add(ApiKeyServiceServer::new(api_keys))
            .add(UserAdminServiceServer::new(admin));
        Ok(Self { grpc, database })
    }

    /// Serves until the shutdown, then closes the database.
    ///
    /// # Errors
    /// The server cannot run.
    pub async fn serve(self, sockets: Sockets, shutdown: Shutdown) -> Result<(), ServeError> {
        let outcome = self.grpc.serve(sockets, shutdown).await;
        Database::clone(&self.database).close().await;
        outcome
    }
}

async fn wire(
    config: &Config,
    secret: &SecretString,
    store: Arc<Store>,
    (clock, ids): (Arc<dyn Clock>, Arc<dyn IdSource>),
) -> Result<AuthRpc, Error> {
    let sealer = Arc::new(Sealer::new(secret)?);
    let refresh_key = sealer.refresh_key();
    // No token outlives this.
    let overlap = config.access_token_ttl.max(ServiceTokens::TTL);
    let keyring = Keyring::open(store.clone(), sealer, clock.clone(), overlap).await?;
    let keyring = Arc::new(keyring);
    let rotation = RotationSettings {
        ttl: config.refresh_token_ttl,
        grace: config.reuse_grace,
    };
    let sessions = Arc::new(Sessions::new(
        (store.clone(), store.clone()),
        (keyring.clone(), refresh_key),
        (rotation, config.access_token_ttl),
        (clock.clone(), ids.clone()),
    ));
    let hasher = Hasher::new(config.hashes, config.hash_wait).await?;
    let admin = config.admin_email.as_deref();
    let admin = admin.and_then(|address| Email::parse(address).ok());
    let accounts = Accounts::new(
        (store.clone(), store),
        sessions.clone(),
        hasher,
        (clock.clone(), ids),
        admin,
    );
    Ok(AuthRpc {
        accounts,
        sessions,
        services: ServiceTokens::new(secret, keyring.clone(), clock)?,
        keyring,
    })
}

fn readiness(database: &Arc<Database>) -> Readiness {
    let readiness = Readiness::new();
    let database = Arc::clone(database);
    readiness.check("database", move || {
        let database = Arc::clone(&database);
        async move { database.ping().await.map_err(|error| error.to_string()) }.boxed()
    });
    readiness
}

// The cause of a failed start is for the operator, who reads it on the terminal.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.join(": ")
}

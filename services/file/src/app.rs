//! Wiring: database -> rows and bytes -> domain -> rpc -> server, and the sweeper beside it.

use std::sync::Arc;
use std::time::Duration;

use contracts::file::v1::file_service_server::FileServiceServer;
use database::{Database, OpenError};
use futures::FutureExt;
use identity::{RemoteKeys, Verifier};
use server::{GrpcApp, InvalidPeer, Readiness, ServeError, Shutdown, Sockets};
use types::{SystemClock, SystemIds};

use crate::Config;
use crate::blobs::ObjectBlobs;
use crate::domain::{
    Blobs, Catalog, Checker, Downloads, FileError, FileStore, Sweeper, UploadPorts, UploadStore,
    Uploads,
};
use crate::rpc::{FileRpc, MESSAGE_LIMIT};
use crate::store::{self, Migrator};

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// The bytes have no place.
    #[error("the file store cannot be used")]
    Store(#[source] FileError),
    /// The auth service's address is none.
    #[error(transparent)]
    Peer(#[from] InvalidPeer),
}

/// The file service, ready to serve.
pub struct App {
    config: Config,
    database: Database,
    verifier: Verifier,
    readiness: Readiness,
    rpc: FileRpc,
    sweeper: Sweeper,
}

impl App {
    /// Connects, migrates and wires; callers are verified with the auth service's keys.
    ///
    /// # Errors
    /// Anything that would keep the service from working.
    pub async fn build(config: Config) -> Result<Self, StartError> {
        let auth = server::connect(&config.common.peers.auth)?;
        Self::build_with(config, Verifier::new(RemoteKeys::new(auth))).await
    }

    /// The same with another source of trust.
    ///
    /// # Errors
    /// Anything that would keep the service from working.
    pub async fn build_with(config: Config, verifier: Verifier) -> Result<Self, StartError> {
        let database = Database::open::<Migrator>(&config.database, config.migrate).await?;
        let blobs = ObjectBlobs::open(&config.store).map_err(StartError::Store)?;
        let readiness = readiness(&database, &blobs);
        let (files, uploads) = store::open(&database);
        let files: Arc<dyn FileStore> = Arc::new(files);
        let uploads: Arc<dyn UploadStore> = Arc::new(uploads);
        let blobs: Arc<dyn Blobs> = Arc::new(blobs);
        let clock = Arc::new(SystemClock);
        let ports = UploadPorts {
            files: Arc::clone(&files),
            uploads: Arc::clone(&uploads),
            blobs: Arc::clone(&blobs),
            clock: clock.clone(),
            ids: Arc::new(SystemIds),
        };
        let checker = Checker::new(config.picture, config.checks);
        let longest = config.ages.upload / 2;
        let rpc = FileRpc {
            uploads: Uploads::new(ports, checker, config.max_bytes, longest),
            catalog: Catalog::new(Arc::clone(&files), clock.clone()),
            downloads: Downloads::new(files, Arc::clone(&blobs)),
            idle: config.idle_timeout,
        };
        let sweeper = Sweeper::new(uploads, blobs, clock, config.ages);
        Ok(Self {
            config,
            database,
            verifier,
            readiness,
            rpc,
            sweeper,
        })
    }

    /// Serves until the shutdown is triggered and the calls under way have ended.
    ///
    /// # Errors
    /// The sockets cannot be served.
    pub async fn serve(self, sockets: Sockets, shutdown: Shutdown) -> Result<(), ServeError> {
        let sweeping = keep_sweeping(self.sweeper, self.config.sweep_interval, shutdown.clone());
        let sweeping = tokio::spawn(sweeping);
        let service = FileServiceServer::new(self.rpc).max_decoding_message_size(MESSAGE_LIMIT);
        let served = GrpcApp::new("file", self.verifier, self.readiness, self.config.grpc)
            .add(service)
            .serve(sockets, shutdown)
            .await;
        // A sweep can be cut anywhere: the next one does it again.
        sweeping.abort();
        self.database.close().await;
        served
    }
}

fn readiness(database: &Database, blobs: &ObjectBlobs) -> Readiness {
    let readiness = Readiness::new();
    let database = database.clone();
    readiness.check("database", move || {
        let database = database.clone();
        async move { database.ping().await.map_err(|error| error.to_string()) }.boxed()
    });
    let blobs = blobs.clone();
    readiness.check("store", move || {
        let blobs = blobs.clone();
        async move { blobs.ping().await.map_err(|error| error.to_string()) }.boxed()
    });
    readiness
}

async fn keep_sweeping(sweeper: Sweeper, interval: Duration, shutdown: Shutdown) {
    loop {
        match sweeper.sweep().await {
            Ok(swept) if swept.uploads + swept.files > 0 => {
                tracing::info!(
                    sweep.uploads = swept.uploads,
                    sweep.files = swept.files,
                    "old bytes removed"
                );
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(error = ?error, "a sweep failed"),
        }
        tokio::select! {
            () = shutdown.triggered() => return,
            () = tokio::time::sleep(interval) => {}
        }
    }
}

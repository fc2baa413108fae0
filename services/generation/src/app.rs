//! Puts the rooms together; starts and stops them.

use std::sync::Arc;

use config::Peers;
use contracts::generation::v1::batch_service_server::BatchServiceServer;
use contracts::generation::v1::generation_admin_service_server::GenerationAdminServiceServer;
use contracts::generation::v1::generation_service_server::GenerationServiceServer;
use contracts::generation::v1::moderation_service_server::ModerationServiceServer;
use contracts::generation::v1::webhook_service_server::WebhookServiceServer;
use database::{Database, OpenError};
use futures::FutureExt;
use futures::future::BoxFuture;
use identity::{Credentials, RemoteKeys, Verifier};
use secrecy::SecretString;
use server::{GrpcApp, InvalidPeer, Link, Readiness, ServeError, Shutdown, Sockets};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use types::{Clock, SystemClock, SystemIds};
use uuid::Uuid;

use crate::Config;
use crate::domain::batch::desk::BatchDesk;
use crate::domain::cooling::Cooling;
use crate::domain::desk::Desk;
use crate::domain::pause::Pause;
use crate::domain::ports::{Expiry, Files};
use crate::domain::repeats::Repeats;
use crate::domain::reuse::Shelf;
use crate::domain::routing::{Catalog, Entry};
use crate::domain::safety::{Guard, Moderator};
use crate::domain::signals::Signals;
use crate::domain::strays::Warden;
use crate::domain::studio::Studio;
use crate::domain::unknown::Inquiry;
use crate::domain::webhook::desk::WebhookDesk;
use crate::domain::webhook::ports::Courier;
use crate::domain::webhook::secret::Locksmith;
use crate::peers::{FilePeer, UsagePeer, WebhookCourier};
use crate::providers::{self, BuildError, Moderation, Registry};
use crate::rpc::{BatchRpc, GenerationAdminRpc, GenerationRpc, ModerationRpc, WebhookRpc};
use crate::store::{Migrator, Store};
use crate::worker::{
    Caretaker, Delivery, Messenger, Pool, Postman, PriceWatch, SpeedWatch, expiry, health_watch,
    strays, unknown_watch,
};

// Decoding may take half a gigabyte each.
const DECODERS: usize = 2;

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// Another service's address is none.
    #[error(transparent)]
    Peer(#[from] InvalidPeer),
    /// A provider's settings cannot be used.
    #[error(transparent)]
    Provider(#[from] BuildError),
    /// There is no client for users' webhooks.
    #[error(transparent)]
    Egress(#[from] egress::ClientError),
    /// What services prove themselves with is missing.
    #[error("BOTTEGA_SERVICE_SECRET is not set")]
    NoSecret,
}

/// The generation service, ready to serve.
pub struct App {
    config: Config,
    verifier: Verifier,
    readiness: Readiness,
    secret: SecretString,
    desk: Arc<Desk>,
    store: Arc<Store>,
    pool: Pool,
    delivery: Delivery,
    watches: Watches,
    inquiry: Inquiry,
    mail: (WebhookDesk, Postman),
    database: Database,
}

impl App {
    /// Connects, migrates and wires, with the providers of the settings.
    ///
    /// # Errors
    /// Anything that would keep the service from working.
    pub async fn build(config: Config) -> Result<Self, StartError> {
        let catalog = catalog_of(&providers::build(&config.providers)?);
        Self::build_with(config, catalog).await
    }

    /// The same with other providers.
    ///
    /// # Errors
    /// Anything that would keep the service from working.
    pub async fn build_with(config: Config, catalog: Catalog) -> Result<Self, StartError> {
        let secret = (config.common.service_secret.clone()).ok_or(StartError::NoSecret)?;
        let database = Database::open::<Migrator>(&config.database, config.migrate).await?;
        let (auth, file, usage) = links(&config.common.peers)?;
        let readiness = readiness(&database, &file, &usage);
        let (files, usage) = peers((auth.clone(), secret.clone()), file, usage);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = Arc::new(Store::new(database.clone(), Arc::clone(&clock)));
        let signals = Arc::new(Signals::default());
        let cooling = Arc::new(Cooling::new(Arc::clone(&clock), store.clone()));
        let watches = Watches::new(&store, &usage, &signals, &cooling, &catalog, &clock);
        let studio = Arc::new(Studio {
            work: store.clone(),
            strays: store.clone(),
            files: Arc::clone(&files),
            guard: guard(&config, &store, &clock)?,
            quota: usage.clone(),
            pause: Pause::default(),
            catalog: catalog.clone(),
            cooling: Arc::clone(&cooling),
            signals: Arc::clone(&signals),
            clock: Arc::clone(&clock),
            retry: config.retry,
            decoders: Arc::new(Semaphore::new(DECODERS)),
        });
        let (delivery, inquiry) = couriers(&store, &usage, &signals, &clock);
        let mail = webhooks(&config, &secret, &store, &signals, &clock)?;
        let desk = Arc::new(Desk {
            guard: studio.guard.clone(),
            tasks: store.clone(),
            shelf: Shelf::new(store.clone(), &files, config.results_kept_for),
            adoptions: store.clone(),
            repeats: Repeats::new(store.clone(), config.keys_kept_for),
            files,
            quota: usage,
            catalog,
            cooling,
            prices: watches.prices.board(),
            speeds: Arc::clone(&watches.speeds.board),
            queue: config.queue.clone(),
            saves: config.saves,
            signals,
            clock,
            ids: Arc::new(SystemIds),
        });
        Ok(Self {
            pool: Pool::new(studio, config.work, config.queue.off_peak, own_name()),
            config,
            verifier: Verifier::new(RemoteKeys::new(auth)),
            readiness,
            secret,
            desk,
            store,
            delivery,
            watches,
            inquiry,
            mail,
            database,
        })
    }

    /// Serves and works until the shutdown is triggered; then finishes what it can within the
    /// drain and gives the rest back.
    ///
    /// # Errors
    /// The sockets cannot be served.
    pub async fn serve(self, sockets: Sockets, shutdown: Shutdown) -> Result<(), ServeError> {
        let working = tokio::spawn(self.pool.run(shutdown.clone()));
        let watching = tokio::spawn(self.watches.run(shutdown.clone()));
        let counting = unknown_watch::run(self.inquiry.unknowns.clone(), shutdown.clone());
        let counting = tokio::spawn(counting);
        let admin = GenerationAdminServiceServer::new(GenerationAdminRpc {
            inquiry: self.inquiry,
            tallies: self.store.clone(),
        });
        let keys = Arc::clone(&self.desk.repeats.keys);
        let sweeping = Caretaker {
            keys,
            shelf: self.desk.shelf.clone(),
            decisions: Arc::clone(&self.desk.guard.decisions),
            chores: self.store.clone(),
        };
        let sweeping = sweeping.run(shutdown.clone());
        let sweeping = tokio::spawn(sweeping);
        let (webhooks, postman) = self.mail;
        let telling = tokio::spawn(postman.run(shutdown.clone()));
        let worked = CancellationToken::new();
        let delivering = tokio::spawn(self.delivery.run(worked.clone()));
        let batches = BatchRpc(BatchDesk {
            desk: Arc::clone(&self.desk),
            batches: self.store,
        });
        let moderation = ModerationRpc(self.desk.guard.clone());
        let rpc = GenerationRpc::new(self.desk, self.secret, shutdown.clone());
        let served = GrpcApp::new(
            "generation",
            self.verifier,
            self.readiness,
            self.config.grpc,
        )
        .add(GenerationServiceServer::new(rpc))
        .add(admin)
        .add(BatchServiceServer::new(batches))
        .add(ModerationServiceServer::new(moderation))
        .add(WebhookServiceServer::new(WebhookRpc(webhooks)))
        .serve(sockets, shutdown.clone())
        .await;
        // A server that could not start must not leave its workers behind.
        shutdown.trigger();
        let _ = tokio::join!(working, watching, counting, sweeping, telling);
        worked.cancel();
        // What is owed and not delivered yet is delivered at the next start, or by another process.
        let _ = timeout(shutdown.drain().mul_f64(0.1), delivering).await;
        self.database.close().await;
        served
    }
}

// What this process' claims are signed with.
fn own_name() -> String {
    format!("{}-{}", std::process::id(), Uuid::new_v4().simple())
}

fn links(peers: &Peers) -> Result<(Channel, Link, Link), InvalidPeer> {
    let auth = server::connect(&peers.auth)?;
    Ok((auth, Link::to(&peers.file)?, Link::to(&peers.usage)?))
}

fn peers(
    (auth, secret): (Channel, SecretString),
    file: Link,
    usage: Link,
) -> (Arc<dyn Files>, Arc<UsagePeer>) {
    let credentials = Credentials::new("generation", auth, secret);
    let usage = UsagePeer::new(usage, credentials.clone());
    (Arc::new(FilePeer::new(file, credentials)), Arc::new(usage))
}

// What looks and listens on the side.
struct Watches {
    prices: PriceWatch,
    speeds: SpeedWatch,
    messenger: Messenger,
    expiry: Arc<dyn Expiry>,
    signals: Arc<Signals>,
    cooling: Arc<Cooling>,
    warden: Warden,
}

impl Watches {
    fn new(
        store: &Arc<Store>,
        usage: &Arc<UsagePeer>,
        signals: &Arc<Signals>,
        cooling: &Arc<Cooling>,
        catalog: &Catalog,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        Self {
            prices: PriceWatch::new(usage.clone(), Arc::default()),
            speeds: SpeedWatch {
                source: store.clone(),
                board: Arc::default(),
            },
            messenger: Messenger::new(store.clone(), Arc::clone(signals), own_name()),
            expiry: store.clone(),
            signals: Arc::clone(signals),
            cooling: Arc::clone(cooling),
            warden: Warden {
                strays: store.clone(),
                catalog: catalog.clone(),
                signals: Arc::clone(signals),
                clock: Arc::clone(clock),
            },
        }
    }

    async fn run(self, shutdown: Shutdown) {
        tokio::join!(
            self.prices.run(shutdown.clone()),
            self.speeds.run(shutdown.clone()),
            self.messenger.run(shutdown.clone()),
            expiry::run(self.expiry, self.signals, shutdown.clone()),
            health_watch::run(self.cooling, shutdown.clone()),
            strays::run(self.warden, shutdown.clone()),
        );
    }
}

// What carries news between the store and the usage service.
fn couriers(
    store: &Arc<Store>,
    usage: &Arc<UsagePeer>,
    signals: &Arc<Signals>,
    clock: &Arc<dyn Clock>,
) -> (Delivery, Inquiry) {
    let delivery = Delivery {
        outbox: store.clone(),
        quota: usage.clone(),
        signals: Arc::clone(signals),
    };
    let inquiry = Inquiry {
        unknowns: store.clone(),
        signals: Arc::clone(signals),
        clock: Arc::clone(clock),
    };
    (delivery, inquiry)
}

fn guard(config: &Config, store: &Arc<Store>, clock: &Arc<dyn Clock>) -> Result<Guard, StartError> {
    let moderation = Moderation::of(&config.moderation)?;
    Ok(Guard {
        rules: config.moderation.rules.clone(),
        moderator: moderation.map(|one| Arc::new(one) as Arc<dyn Moderator>),
        when_away: config.moderation.when_away,
        sees_results: config.moderation.results,
        decisions: store.clone(),
        clock: Arc::clone(clock),
        ids: Arc::new(SystemIds),
    })
}

fn webhooks(
    config: &Config,
    secret: &SecretString,
    store: &Arc<Store>,
    signals: &Arc<Signals>,
    clock: &Arc<dyn Clock>,
) -> Result<(WebhookDesk, Postman), StartError> {
    let egress = egress::Client::new(config.providers.egress.clone())?;
    let courier: Arc<dyn Courier> = Arc::new(WebhookCourier(egress));
    let locksmith = Locksmith::new(secret);
    let desk = WebhookDesk {
        webhooks: store.clone(),
        courier: Arc::clone(&courier),
        locksmith: locksmith.clone(),
        clock: Arc::clone(clock),
        ids: Arc::new(SystemIds),
    };
    let postman = Postman {
        mail: store.clone(),
        courier,
        locksmith,
        signals: Arc::clone(signals),
        clock: Arc::clone(clock),
    };
    Ok((desk, postman))
}

fn catalog_of(registry: &Registry) -> Catalog {
    let automatic: Vec<&str> = registry.automatic().map(|one| one.name()).collect();
    Catalog::new(registry.iter().map(|known| Entry {
        name: known.name.clone(),
        models: known.models.clone(),
        limits: known.limits,
        is_procedural: (known.provider.as_ref()).is_some_and(|one| one.is_procedural()),
        is_automatic: automatic.contains(&known.name.as_str()),
        provider: known.provider.clone(),
    }))
}

// Without the other services, orders without input files are still answered and lists still read.
fn readiness(database: &Database, file: &Link, usage: &Link) -> Readiness {
    let readiness = Readiness::new();
    let database = database.clone();
    readiness.check("database", move || {
        let database = database.clone();
        async move { database.ping().await.map_err(|error| error.to_string()) }.boxed()
    });
    let file = file.clone();
    readiness.check_optional("file", move || ask_health(file.clone()));
    let usage = usage.clone();
    readiness.check_optional("usage", move || ask_health(usage.clone()));
    readiness
}

fn ask_health(peer: Link) -> BoxFuture<'static, Result<(), String>> {
    async move {
        let request = HealthCheckRequest::default();
        match HealthClient::new(peer).check(request).await {
            Ok(answer) if answer.get_ref().status() == ServingStatus::Serving => Ok(()),
            Ok(_) => Err("is not ready".to_owned()),
            Err(status) => Err(status.code().to_string()),
        }
    }
    .boxed()
}

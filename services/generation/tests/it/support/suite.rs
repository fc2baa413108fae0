//! The real service on port 0 with its peers, and users who call it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use config::{Common, Environment, Listen, MapSource, Peers, Reader};
use contracts::generation::v1::generation::{Kind, Status as State};
use contracts::generation::v1::generation_service_client::GenerationServiceClient;
use contracts::generation::v1::{
    CancelGenerationRequest, CreateGenerationRequest, Generation, GenerationEvent,
    GetGenerationRequest, ImageSpec, WatchGenerationRequest,
};
use database::Database;
use generation::domain::off_peak::OffPeak;
use generation::domain::provider::ImageProvider;
use generation::domain::queue::{PerTier, QueueRules};
use generation::domain::retry::Retry;
use generation::domain::routing::{Catalog, Entry};
use generation::store::Store;
use generation::worker::WorkSettings;
use generation::{App, Config};
use identity::Grant;
use identity::receipt::{self, Receipt};
use secrecy::SecretString;
use server::{GrpcSettings, Shutdown, Sockets};
use testkit::{TestDb, TestIssuer};
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use tonic::{Request, Status};
use types::{ApiKeyId, Clock, ReservationId, SystemClock, UserId};
use uuid::Uuid;

use super::peers::{self, State as PeerState};

pub const SECRET: &str = "the suite's secret, forty characters long";

/// How a suite is set up.
#[derive(Clone)]
pub struct Options {
    pub workers: usize,
    pub lease: Duration,
    pub drain: Duration,
    pub first_rest: Duration,
    pub keys_kept_for: Duration,
    pub poll: Duration,
    pub max_pending: u64,
    pub max_running: u64,
    pub off_peak: Option<OffPeak>,
    pub saves: bool,
    pub settings: BTreeMap<String, String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workers: 4,
            lease: Duration::from_secs(30),
            drain: Duration::from_secs(4),
            first_rest: Duration::from_millis(40),
            keys_kept_for: Duration::from_hours(24),
            poll: Duration::from_millis(100),
            max_pending: 0,
            max_running: 0,
            off_peak: None,
            saves: false,
            settings: BTreeMap::new(),
        }
    }
}

/// The service under test and all it needs.
pub struct Suite {
    pub peers: Arc<PeerState>,
    pub db: Database,
    pub shutdown: Shutdown,
    issuer: TestIssuer,
    channel: Channel,
    serving: JoinHandle<()>,
    address: String,
    catalog: Option<Catalog>,
    test_db: TestDb,
    _peers_off: Off,
}

/// Another process beside the first; it stops when this is dropped.
pub struct Beside {
    channel: Channel,
    _off: Off,
}

impl Beside {
    /// The user, calling this process.
    pub fn user(&self, user: &User) -> User {
        User {
            id: user.id,
            token: user.token.clone(),
            client: GenerationServiceClient::new(self.channel.clone()),
        }
    }
}

// The peers stop with the suite.
struct Off(Shutdown);

impl Drop for Off {
    fn drop(&mut self) {
        self.0.trigger();
    }
}

impl Suite {
    /// A suite with one provider, and the defaults.
    pub async fn with(test_db: TestDb, provider: &Arc<impl ImageProvider>) -> Self {
        let provider: Arc<dyn ImageProvider> = provider.clone();
        Self::start(
            test_db,
            vec![Entry::ready(provider, true)],
            Options::default(),
        )
        .await
    }

    pub async fn start(test_db: TestDb, entries: Vec<Entry>, options: Options) -> Self {
        // As the binary does.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self::start_with(test_db, Some(Catalog::new(entries)), options).await
    }

    /// A suite with the providers a newcomer has.
    pub async fn out_of_the_box(test_db: TestDb) -> Self {
        Self::start_with(test_db, None, Options::default()).await
    }

    async fn start_with(test_db: TestDb, catalog: Option<Catalog>, options: Options) -> Self {
        let issuer = TestIssuer::new();
        let state = Arc::new(PeerState::default());
        let peers_off = Shutdown::new(Duration::from_millis(100));
        let address = peers::start(&issuer, &state, &peers_off).await;
        let (channel, serving, shutdown) =
            serve(&test_db, &address, catalog.as_ref(), &options).await;
        let db = Database::connect(&test_db.settings()).await.unwrap();
        Self {
            peers: state,
            db,
            shutdown,
            issuer,
            channel,
            serving,
            address,
            catalog,
            test_db,
            _peers_off: peers_off.into(),
        }
    }

    /// Stops the service, within its drain, and starts another over the same database.
    pub async fn restart(&mut self, options: Options) {
        self.stop().await;
        self.restart_stopped(options).await;
    }

    /// Starts another service over the same database once the first has stopped.
    pub async fn restart_stopped(&mut self, options: Options) {
        let started = serve(
            &self.test_db,
            &self.address,
            self.catalog.as_ref(),
            &options,
        )
        .await;
        (self.channel, self.serving, self.shutdown) = started;
    }

    /// Starts another service over the same database beside the first, which works on as the whole
    /// suite does: until the test ends.
    pub async fn start_beside(&mut self, options: Options) {
        self.restart_stopped(options).await;
    }

    /// Another process of the service, over the same database.
    pub async fn beside(&self, options: Options) -> Beside {
        let catalog = self.catalog.as_ref();
        let started = serve(&self.test_db, &self.address, catalog, &options).await;
        let (channel, _, shutdown) = started;
        Beside {
            channel,
            _off: shutdown.into(),
        }
    }

    /// The next start finds no provider set up.
    pub fn forget_providers(&mut self) {
        self.catalog = Some(Catalog::default());
    }

    pub async fn stop(&mut self) {
        self.shutdown.trigger();
        (&mut self.serving).await.unwrap();
    }

    /// The service's store, as a worker of another process has it.
    pub fn store(&self) -> Store {
        Store::new(self.db.clone(), Arc::new(SystemClock))
    }

    /// A new user.
    pub fn user(&self) -> User {
        self.user_again(UserId(Uuid::now_v7()))
    }

    /// A new user who comes with an API key.
    pub fn user_with(&self, key: ApiKeyId) -> User {
        let id = UserId(Uuid::now_v7());
        let scopes = vec!["generations:write".to_owned()];
        let life = Duration::from_secs(300);
        User {
            token: self.issuer.key_token(id, Grant { key, scopes }, life),
            ..self.user_again(id)
        }
    }

    /// A user who has been here before.
    pub fn user_again(&self, id: UserId) -> User {
        User {
            id,
            token: self.issuer.user_token(id, "free"),
            client: GenerationServiceClient::new(self.channel.clone()),
        }
    }

    /// A request of another service.
    pub fn as_service<T>(&self, service: &str, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let bearer = format!("Bearer {}", self.issuer.service_token(service));
        let bearer = bearer.parse().unwrap();
        request.metadata_mut().insert("authorization", bearer);
        request
    }

    /// A request of an operator.
    pub fn as_admin<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let token = self.issuer.admin_token(UserId(Uuid::from_u128(7)));
        let bearer = format!("Bearer {token}").parse().unwrap();
        request.metadata_mut().insert("authorization", bearer);
        request
    }

    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    pub fn anonymous(&self) -> GenerationServiceClient<Channel> {
        GenerationServiceClient::new(self.channel.clone())
    }
}

impl From<Shutdown> for Off {
    fn from(shutdown: Shutdown) -> Self {
        Self(shutdown)
    }
}

async fn serve(
    db: &TestDb,
    peers: &str,
    catalog: Option<&Catalog>,
    options: &Options,
) -> (Channel, JoinHandle<()>, Shutdown) {
    let listen = Listen {
        addr: ([127, 0, 0, 1], 0).into(),
        admin: ([127, 0, 0, 1], 0).into(),
    };
    // As a newcomer has it: no key is set. Users' servers are on this machine.
    let mut settings = MapSource::from([("BOTTEGA_EGRESS_ALLOW", "127.0.0.1")]);
    settings.0.extend(options.settings.clone());
    let mut reader = Reader::new(&settings);
    let config = Config {
        common: Common {
            environment: Environment::Development,
            data_dir: std::env::temp_dir(),
            peers: Peers {
                auth: peers.to_owned(),
                file: peers.to_owned(),
                generation: String::new(),
                usage: peers.to_owned(),
            },
            service_secret: Some(SecretString::from(SECRET)),
            drain: options.drain,
        },
        listen,
        database: db.settings(),
        grpc: GrpcSettings::default(),
        migrate: true,
        work: WorkSettings {
            workers: options.workers,
            max_running: options.max_running,
            lease: options.lease,
            poll: options.poll,
        },
        queue: QueueRules {
            max_pending: PerTier::all(options.max_pending),
            off_peak: options.off_peak,
            ..QueueRules::default()
        },
        saves: options.saves,
        retry: Retry {
            max_sends: 3,
            first_rest: options.first_rest,
        },
        keys_kept_for: options.keys_kept_for,
        moderation: Box::new(generation::providers::ModerationConfig::read(&mut reader)),
        results_kept_for: Duration::from_hours(1),
        providers: generation::providers::Config::read(&mut reader),
    };
    let sockets = Sockets::bind(listen).await.unwrap();
    let channel = server::connect(&sockets.addr().to_string()).unwrap();
    let app = match catalog {
        Some(catalog) => App::build_with(config, catalog.clone()).await.unwrap(),
        None => App::build(config).await.unwrap(),
    };
    let shutdown = Shutdown::new(options.drain);
    let switch = shutdown.clone();
    let serving = tokio::spawn(async move { app.serve(sockets, switch).await.unwrap() });
    (channel, serving, shutdown)
}

/// Somebody who calls the service.
pub struct User {
    pub id: UserId,
    pub token: String,
    pub client: GenerationServiceClient<Channel>,
}

/// An order for a small picture.
pub fn order(prompt: &str) -> CreateGenerationRequest {
    CreateGenerationRequest {
        kind: Kind::Image.into(),
        image: Some(ImageSpec {
            prompt: prompt.to_owned(),
            width: Some(64),
            height: Some(64),
            ..ImageSpec::default()
        }),
        ..CreateGenerationRequest::default()
    }
}

impl User {
    /// A request with this user's token.
    pub fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let bearer = format!("Bearer {}", self.token).parse().unwrap();
        request.metadata_mut().insert("authorization", bearer);
        request
    }

    pub async fn create(&self, order: CreateGenerationRequest) -> Result<Generation, Status> {
        let mut client = self.client.clone();
        let answer = client.create_generation(self.request(order)).await?;
        Ok(answer.into_inner().generation.unwrap())
    }

    /// As [`User::create`], with the receipt the gateway would bring.
    pub async fn create_with(
        &self,
        order: CreateGenerationRequest,
        receipt: &str,
    ) -> Result<Generation, Status> {
        let mut request = self.request(order);
        request
            .metadata_mut()
            .insert(receipt::METADATA, receipt.parse().unwrap());
        let answer = self.client.clone().create_generation(request).await?;
        Ok(answer.into_inner().generation.unwrap())
    }

    /// A receipt for a reservation of this user.
    pub fn receipt(&self, reservation: ReservationId) -> Receipt {
        Receipt {
            reservation,
            owner: self.id,
            meter: "GENERATIONS".to_owned(),
            amount: 1,
            expires_at: SystemClock.now().plus(Duration::from_secs(60)),
        }
    }

    pub async fn get(&self, id: &str) -> Result<Generation, Status> {
        let request = self.request(GetGenerationRequest { id: id.to_owned() });
        let answer = self.client.clone().get_generation(request).await?;
        Ok(answer.into_inner().generation.unwrap())
    }

    pub async fn cancel(&self, id: &str) -> Result<Generation, Status> {
        let request = self.request(CancelGenerationRequest { id: id.to_owned() });
        let answer = self.client.clone().cancel_generation(request).await?;
        Ok(answer.into_inner().generation.unwrap())
    }

    /// Every event of a generation, until its last.
    pub async fn watch(&self, id: &str, after: i64) -> Result<Vec<GenerationEvent>, Status> {
        let request = self.request(WatchGenerationRequest {
            id: id.to_owned(),
            after_sequence: after,
        });
        let answer = self.client.clone().watch_generation(request).await?;
        let mut stream = answer.into_inner();
        let mut events = Vec::new();
        while let Some(message) = stream.message().await? {
            events.push(message.event.unwrap());
        }
        Ok(events)
    }

    /// The generation, once it is over.
    pub async fn finished(&self, id: &str) -> Generation {
        self.until(id, |generation| {
            !matches!(generation.status(), State::Pending | State::Processing)
        })
        .await
    }

    /// The generation, once it is as it should be.
    pub async fn until(&self, id: &str, is_so: impl Fn(&Generation) -> bool) -> Generation {
        for _ in 0..600 {
            let generation = self.get(id).await.unwrap();
            if is_so(&generation) {
                return generation;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!(
            "generation {id} does not get there: {:?}",
            self.get(id).await
        );
    }
}

/// A receipt as the gateway seals it.
pub fn sealed(receipt: &Receipt) -> String {
    receipt::seal(&SecretString::from(SECRET), receipt)
}

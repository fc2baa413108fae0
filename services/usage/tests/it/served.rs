//! The whole service on port 0, and its callers with their tokens.

use std::sync::Arc;
use std::time::Duration;

use config::{MapSource, Reader};
use contracts::policy::v1::policy::Meter;
use contracts::usage::v1::usage_service_client::UsageServiceClient;
use contracts::usage::v1::{Amount, ReserveRequest};
use errors::from_status;
use identity::{Caller, FixedKeys, Role, SigningKey, Verifier};
use server::{ServeError, Shutdown, Sockets};
use testkit::{ManualClock, TestDb};
use time::macros::datetime;
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use tonic::{Request, Status};
use types::{Clock, SystemClock, UserId};
use usage::{App, Config};
use uuid::Uuid;

/// The user of the snapshots.
pub const ANNA: UserId = UserId(Uuid::from_u128(0xA77A));

/// A running service.
pub struct Served {
    pub clock: ManualClock,
    pub admin: std::net::SocketAddr,
    addr: String,
    key: SigningKey,
    shutdown: Shutdown,
    task: JoinHandle<Result<(), ServeError>>,
}

impl Served {
    /// Starts the service; its clock shows noon of 2026-11-20.
    pub async fn start(test: &TestDb, settings: &[(&str, &str)]) -> Self {
        let clock = ManualClock::new(datetime!(2026-11-20 12:00 UTC).into());
        let (key, _) = SigningKey::generate();
        let verifier = Verifier::new(FixedKeys(vec![key.public()]));
        let config = configure(test, settings);
        let sockets = Sockets::bind(config.listen).await.unwrap();
        let (addr, admin) = (sockets.addr().to_string(), sockets.admin_addr());
        let app = App::build_with(config, verifier, Arc::new(clock.clone()));
        let app = app.await.unwrap();
        let shutdown = Shutdown::new(Duration::from_secs(5));
        let task = tokio::spawn(app.serve(sockets, shutdown.clone()));
        Self {
            clock,
            admin,
            addr,
            key,
            shutdown,
            task,
        }
    }

    /// A client with a connection of its own.
    pub fn client(&self) -> UsageServiceClient<Channel> {
        UsageServiceClient::new(server::connect(&self.addr).unwrap())
    }

    /// A request of another service.
    pub fn as_service<T>(&self, message: T) -> Request<T> {
        self.signed(Role::Service, "gateway", "", message)
    }

    /// A request of a user.
    pub fn as_user<T>(&self, user: UserId, tier: &str, message: T) -> Request<T> {
        self.signed(Role::User, &user.to_string(), tier, message)
    }

    fn signed<T>(&self, role: Role, subject: &str, tier: &str, message: T) -> Request<T> {
        let now = SystemClock.now();
        let caller = Caller {
            role,
            subject: subject.to_owned(),
            owner: None,
            tier: tier.to_owned(),
            session: None,
            expires_at: now.plus(Duration::from_secs(300)),
        };
        let token = self.key.sign(&caller, now).unwrap();
        let mut request = Request::new(message);
        let bearer = format!("Bearer {token}").parse().unwrap();
        request.metadata_mut().insert("authorization", bearer);
        request
    }

    /// Stops it and waits until it has stopped.
    pub async fn stop(self) {
        self.shutdown.trigger();
        self.task.await.unwrap().unwrap();
    }
}

/// The settings of a service on this database.
pub fn configure(test: &TestDb, settings: &[(&str, &str)]) -> Config {
    let mut source = MapSource::from([
        ("BOTTEGA_USAGE_ADDR", "127.0.0.1:0"),
        ("BOTTEGA_USAGE_ADMIN_ADDR", "127.0.0.1:0"),
        ("BOTTEGA_GRPC_DEADLINE", "60s"),
    ]);
    for (name, value) in settings {
        source.0.insert((*name).to_owned(), (*value).to_owned());
    }
    let mut reader = Reader::new(&source);
    let mut config = Config::read(&mut reader);
    reader.finish().unwrap();
    config.database = test.settings();
    config.database.acquire_timeout = Duration::from_secs(60);
    config
}

/// A request for `amount` generations with a fresh operation id.
pub fn ask(owner: UserId, amount: i64) -> ReserveRequest {
    ReserveRequest {
        operation_id: Uuid::now_v7().to_string(),
        owner_id: owner.to_string(),
        tier: "free".to_owned(),
        amounts: vec![Amount {
            meter: Meter::Generations.into(),
            amount,
        }],
    }
}

/// Everything a refused caller is told.
pub fn told(status: Status) -> String {
    let code = status.code();
    let fault = from_status(status);
    let mut lines = vec![format!("{code:?} {fault}")];
    lines
        .extend((fault.violations.iter()).map(|one| format!("{}: {}", one.field, one.description)));
    lines.extend(
        fault
            .metadata
            .iter()
            .map(|(key, value)| format!("{key} = {value}")),
    );
    lines.extend(fault.quota.iter().map(|one| format!("{one:#?}")));
    lines.extend(
        fault
            .retry_after
            .map(|wait| format!("retry after {wait:?}")),
    );
    lines.join("\n")
}

//! The whole service on port 0, and its callers with their tokens.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use config::{MapSource, Reader};
use contracts::policy::v1::policy::Meter;
use contracts::usage::v1::usage_admin_service_client::UsageAdminServiceClient;
use contracts::usage::v1::usage_service_client::UsageServiceClient;
use contracts::usage::v1::{Amount, ReserveRequest};
use errors::from_status;
use server::{ServeError, Shutdown, Sockets};
use testkit::{ManualClock, TestDb, TestIssuer};
use time::macros::datetime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use tonic::{Request, Status};
use types::UserId;
use usage::{App, Config};
use uuid::Uuid;

use crate::keeper::Records;

/// The user of the snapshots.
pub const ANNA: UserId = UserId(Uuid::from_u128(0xA77A));

/// The operator of the snapshots.
pub const OLGA: UserId = UserId(Uuid::from_u128(0x016A));

/// A running service.
pub struct Served {
    pub clock: ManualClock,
    admin: SocketAddr,
    addr: String,
    issuer: TestIssuer,
    shutdown: Shutdown,
    task: JoinHandle<Result<(), ServeError>>,
}

impl Served {
    /// Starts the service; its clock shows noon of 2026-11-20.
    pub async fn start(test: &TestDb, settings: &[(&str, &str)]) -> Self {
        Self::run(configure(test, settings)).await
    }

    /// The same as configured.
    pub async fn run(config: Config) -> Self {
        let clock = ManualClock::new(datetime!(2026-11-20 12:00 UTC).into());
        let issuer = TestIssuer::new();
        let sockets = Sockets::bind(config.listen).await.unwrap();
        let (addr, admin) = (sockets.addr().to_string(), sockets.admin_addr());
        let keepers = Arc::new(Records::default());
        let app = App::build_with(config, issuer.verifier(), Arc::new(clock.clone()), keepers);
        let app = app.await.unwrap();
        let shutdown = Shutdown::new(Duration::from_secs(5));
        let task = tokio::spawn(app.serve(sockets, shutdown.clone()));
        Self {
            clock,
            admin,
            addr,
            issuer,
            shutdown,
            task,
        }
    }

    /// A client with a connection of its own.
    pub fn client(&self) -> UsageServiceClient<Channel> {
        UsageServiceClient::new(server::connect(&self.addr).unwrap())
    }

    /// The same for what operators do.
    pub fn admin_client(&self) -> UsageAdminServiceClient<Channel> {
        UsageAdminServiceClient::new(server::connect(&self.addr).unwrap())
    }

    /// A request of an operator.
    pub fn as_admin<T>(&self, message: T) -> Request<T> {
        bearing(&self.issuer.admin_token(OLGA), message)
    }

    /// A request of another service.
    pub fn as_service<T>(&self, message: T) -> Request<T> {
        bearing(&self.issuer.service_token("gateway"), message)
    }

    /// A request of a user.
    pub fn as_user<T>(&self, user: UserId, tier: &str, message: T) -> Request<T> {
        bearing(&self.issuer.user_token(user, tier), message)
    }

    /// What the admin port answers to a GET, head and body.
    pub async fn admin(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.admin).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nhost: usage\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// Stops it and waits until it has stopped.
    pub async fn stop(self) {
        self.shutdown.trigger();
        self.task.await.unwrap().unwrap();
    }
}

fn bearing<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let bearer = format!("Bearer {token}").parse().unwrap();
    request.metadata_mut().insert("authorization", bearer);
    request
}

/// The settings of a service on this database.
pub fn configure(test: &TestDb, settings: &[(&str, &str)]) -> Config {
    let mut source = MapSource::from([
        ("BOTTEGA_USAGE_ADDR", "127.0.0.1:0"),
        ("BOTTEGA_USAGE_ADMIN_ADDR", "127.0.0.1:0"),
        ("BOTTEGA_GRPC_DEADLINE", "60s"),
        (
            "BOTTEGA_SERVICE_SECRET",
            "a secret of thirty-two characters",
        ),
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
        ..ReserveRequest::default()
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

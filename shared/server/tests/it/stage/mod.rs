//! A real server with services that do as they are told.

pub mod auth;
mod generation;
mod usage;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use config::Listen;
use contracts::auth::v1::auth_service_client::AuthServiceClient;
use contracts::auth::v1::auth_service_server::AuthServiceServer;
use contracts::generation::v1::generation_service_client::GenerationServiceClient;
use contracts::generation::v1::generation_service_server::GenerationServiceServer;
use contracts::usage::v1::ReserveRequest;
use contracts::usage::v1::usage_service_client::UsageServiceClient;
use contracts::usage::v1::usage_service_server::UsageServiceServer;
use identity::{Caller, FixedKeys, Role, SigningKey, Verifier};
use server::{GrpcApp, GrpcSettings, Readiness, ServeError, Shutdown, Sockets};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tonic::transport::Channel;
use types::{Clock, SystemClock, UserId};
use uuid::Uuid;

/// What the handlers did.
#[derive(Default)]
pub struct Seen {
    pub started: AtomicUsize,
    pub finished: AtomicUsize,
}

/// A server at work.
pub struct Stage {
    pub addr: SocketAddr,
    pub admin: SocketAddr,
    pub seen: Arc<Seen>,
    pub shutdown: Shutdown,
    pub readiness: Readiness,
    key: Arc<SigningKey>,
    serving: JoinHandle<Result<(), ServeError>>,
}

/// No test waits longer for what should happen.
pub const PATIENCE: Duration = Duration::from_secs(10);

pub fn anywhere() -> Listen {
    let addr = SocketAddr::from(([127, 0, 0, 1], 0));
    Listen { addr, admin: addr }
}

impl Stage {
    pub async fn open() -> Self {
        Self::with(GrpcSettings::default(), Duration::from_secs(2)).await
    }

    pub async fn with(settings: GrpcSettings, drain: Duration) -> Self {
        let sockets = Sockets::bind(anywhere()).await.unwrap();
        Self::on(sockets, settings, drain)
    }

    pub fn on(sockets: Sockets, settings: GrpcSettings, drain: Duration) -> Self {
        let (addr, admin) = (sockets.addr(), sockets.admin_addr());
        let shutdown = Shutdown::new(drain);
        let readiness = Readiness::new();
        let key = Arc::new(SigningKey::generate().0);
        let seen = Arc::new(Seen::default());
        let verifier = Verifier::new(FixedKeys(vec![key.public()]));
        let app = GrpcApp::new("stage", verifier, readiness.clone(), settings)
            .add(UsageServiceServer::new(usage::Usage(Arc::clone(&seen))))
            .add(GenerationServiceServer::new(generation::Generations(
                Arc::clone(&seen),
            )))
            .add(AuthServiceServer::new(auth::Auth {
                key: Arc::clone(&key),
                seen: Arc::clone(&seen),
            }));
        let serving = tokio::spawn(app.serve(sockets, shutdown.clone()));
        Self {
            addr,
            admin,
            seen,
            shutdown,
            readiness,
            key,
            serving,
        }
    }

    pub fn channel(&self) -> Channel {
        server::connect(&self.addr.to_string()).unwrap()
    }

    pub fn usage(&self) -> UsageServiceClient<Channel> {
        UsageServiceClient::new(self.channel())
    }

    pub fn generations(&self) -> GenerationServiceClient<Channel> {
        GenerationServiceClient::new(self.channel())
    }

    pub fn auth(&self) -> AuthServiceClient<Channel> {
        AuthServiceClient::new(self.channel())
    }

    pub fn token(&self, role: Role) -> String {
        token(&self.key, role)
    }

    /// A message with a token of this role.
    pub fn request<T>(&self, role: Role, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        let bearer = format!("Bearer {}", self.token(role));
        request
            .metadata_mut()
            .insert("authorization", bearer.parse().unwrap());
        request
    }

    /// A call of a service that tells the handler what to do.
    pub fn order(&self, what: &str) -> tonic::Request<ReserveRequest> {
        let message = ReserveRequest {
            operation_id: what.to_owned(),
            ..ReserveRequest::default()
        };
        self.request(Role::Service, message)
    }

    /// Throws the switch and waits until the server has returned.
    pub async fn close(self) {
        self.shutdown.trigger();
        timeout(PATIENCE, self.serving)
            .await
            .expect("the server returns")
            .unwrap()
            .unwrap();
    }
}

/// A token of this role, good for five minutes.
pub fn token(key: &SigningKey, role: Role) -> String {
    let user = UserId(Uuid::now_v7());
    let is_service = role == Role::Service;
    let caller = Caller {
        role,
        subject: if is_service {
            "gateway".to_owned()
        } else {
            user.to_string()
        },
        owner: (!is_service).then_some(user),
        tier: if is_service {
            String::new()
        } else {
            "free".to_owned()
        },
        session: None,
        grant: None,
        expires_at: SystemClock.now().plus(Duration::from_secs(300)),
    };
    key.sign(&caller, SystemClock.now()).unwrap()
}

/// Waits until a count is reached.
pub async fn until(count: &AtomicUsize, wanted: usize) {
    let reached = async {
        while count.load(Ordering::SeqCst) < wanted {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let reached = timeout(PATIENCE, reached).await;
    reached.unwrap_or_else(|_| panic!("{wanted} were awaited, {count:?} came"));
}

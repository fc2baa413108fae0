//! The suite under test: started through the production entry point on free ports, and spoken to
//! in the words of its users.

pub mod process;
mod provider;
pub mod raw;
mod reply;
pub mod user;

pub use process::Process;
pub use provider::PaidProvider;
pub use reply::Reply;
pub use user::User;

use std::collections::BTreeMap;
use std::sync::Once;
use std::time::Duration;

use bottega::settings::SuiteConfig;
use bottega::suite::{self, Place};
use config::MapSource;
use database::{Database, Settings};
use server::Shutdown;
use tempfile::TempDir;
use testkit::TestDb;
use tonic::transport::Channel;

static CRYPTO: Once = Once::new();

/// The setting that makes whoever registers this address the operator.
pub const ADMIN: (&str, &str) = ("BOTTEGA_AUTH_ADMIN_EMAIL", "root@example.com");

/// Installs what the binary's `main` installs.
pub fn install_crypto() {
    CRYPTO.call_once(|| {
        rustls::crypto::ring::default_provider()
            .install_default()
            .unwrap();
    });
}

/// A client as a product's frontend has one.
pub fn http() -> reqwest::Client {
    install_crypto();
    reqwest::Client::builder()
        .timeout(Duration::from_secs(60))
        .build()
        .unwrap()
}

/// A running suite in this process.
pub struct App {
    /// The gateway, e.g. `http://127.0.0.1:41234`.
    pub url: String,
    pub http: reqwest::Client,
    places: Vec<Place>,
    shutdown: Shutdown,
    running: tokio::task::JoinHandle<anyhow::Result<()>>,
    folder: TempDir,
    databases: Option<TestDb>,
}

impl App {
    /// The embedded suite: SQLite and local disk.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The embedded suite with some settings of the test's own.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::launch(settings, None).await
    }

    /// The suite on the test run's PostgreSQL.
    pub async fn start_on_postgres() -> Self {
        Self::start_on_postgres_with(&[]).await
    }

    /// The same with some settings of the test's own.
    pub async fn start_on_postgres_with(settings: &[(&str, &str)]) -> Self {
        let db = TestDb::postgres("all").await;
        Self::launch(settings, Some(db)).await
    }

    /// The usage service's database, for looking into its books.
    pub async fn books(&self) -> Database {
        let settings = match &self.databases {
            Some(db) => {
                let url = secrecy::ExposeSecret::expose_secret(&db.settings().url).to_owned();
                Settings::of(&url, "usage")
            }
            None => Settings::sqlite(&self.folder.path().join("usage.db"), "usage"),
        };
        Database::connect(&settings).await.unwrap()
    }

    async fn launch(settings: &[(&str, &str)], databases: Option<TestDb>) -> Self {
        install_crypto();
        let folder = tempfile::tempdir().unwrap();
        let mut map = defaults(folder.path());
        if let Some(db) = &databases {
            let url = secrecy::ExposeSecret::expose_secret(&db.settings().url).to_owned();
            map.insert("BOTTEGA_DATABASE_URL".into(), url);
        }
        map.extend(
            settings
                .iter()
                .map(|(name, text)| ((*name).to_owned(), (*text).to_owned())),
        );
        let (config, _) = SuiteConfig::load(&MapSource(map)).unwrap();
        let shutdown = Shutdown::new(Duration::from_secs(5));
        let running = suite::start(config, &shutdown).await.unwrap();
        let places = running.places().to_vec();
        let url = format!("http://{}", place(&places, "gateway").addr);
        let stop = shutdown.clone();
        let running = tokio::spawn(async move { running.wait(&stop).await });
        Self {
            url,
            http: http(),
            places,
            shutdown,
            running,
            folder,
            databases,
        }
    }

    /// Settings by which another `bottega` finds this one's data.
    pub fn settings(&self) -> BTreeMap<String, String> {
        defaults(self.folder.path())
    }

    /// A new user, signed in.
    pub async fn user(&self) -> User {
        User::register(&self.http, &self.url).await
    }

    /// The operator, signed in, of a suite started with [`ADMIN`] as its admin's address.
    pub async fn operator(&self) -> User {
        User::register_as(&self.http, &self.url, ADMIN.1).await
    }

    /// A gRPC channel to one service.
    pub async fn channel(&self, service: &str) -> Channel {
        let addr = place(&self.places, service).addr;
        Channel::from_shared(format!("http://{addr}"))
            .unwrap()
            .connect()
            .await
            .unwrap()
    }

    /// Where a service's health and metrics are.
    pub fn admin(&self, service: &str) -> String {
        format!("http://{}", place(&self.places, service).admin)
    }

    /// A request without a token.
    pub async fn get(&self, path: &str) -> Reply {
        Reply::of(self.http.get(format!("{}{path}", self.url))).await
    }

    /// Stops the suite the way SIGTERM does, and waits for it.
    pub async fn stop(self) {
        self.shutdown.trigger();
        self.running.await.unwrap().unwrap();
    }
}

fn place(places: &[Place], name: &str) -> Place {
    *places.iter().find(|place| place.name == name).unwrap()
}

/// Settings every test starts with: free ports, its own folder, no rate limits, patience.
pub fn defaults(folder: &std::path::Path) -> BTreeMap<String, String> {
    let mut map = BTreeMap::new();
    map.insert("BOTTEGA_DATA_DIR".to_owned(), folder.display().to_string());
    map.insert("BOTTEGA_RATE_LIMITS".to_owned(), "off".to_owned());
    // Tests order the same again and again, and want it made.
    map.insert("BOTTEGA_GENERATION_CACHE_TTL".to_owned(), "0s".to_owned());
    // Tests share their machine: a service waits longer for a connection than it would.
    map.insert(
        "BOTTEGA_DATABASE_ACQUIRE_TIMEOUT".to_owned(),
        "30s".to_owned(),
    );
    for name in ["GATEWAY", "AUTH", "FILE", "GENERATION", "USAGE"] {
        map.insert(format!("BOTTEGA_{name}_ADDR"), "127.0.0.1:0".to_owned());
        map.insert(
            format!("BOTTEGA_{name}_ADMIN_ADDR"),
            "127.0.0.1:0".to_owned(),
        );
    }
    map
}

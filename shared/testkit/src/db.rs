//! A database of its own for every test, on both engines.
#![expect(
    clippy::expect_used,
    reason = "a test without its database must stop at once"
)]

use std::env;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use database::Settings;
use secrecy::ExposeSecret;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection, Executor};
use tempfile::TempDir;
use uuid::Uuid;

/// An empty database; it goes when this is dropped, or with the test run's server.
pub struct TestDb {
    name: &'static str,
    settings: Settings,
    _folder: Option<TempDir>,
}

impl TestDb {
    /// A SQLite file in a temporary folder.
    #[expect(clippy::unused_async, reason = "the same call for both engines")]
    pub async fn sqlite(service: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder is made");
        let settings = Settings::sqlite(&folder.path().join(format!("{service}.db")), service);
        Self {
            name: "sqlite",
            settings,
            _folder: Some(folder),
        }
    }

    /// A fresh database on the test run's PostgreSQL.
    ///
    /// # Panics
    /// When the tests were not started with `scripts/with-servers`.
    pub async fn postgres(service: &str) -> Self {
        let server = env::var("BOTTEGA_TEST_POSTGRES_URL").expect(
            "BOTTEGA_TEST_POSTGRES_URL is not set: run `make test`, or `scripts/with-servers cargo nextest run`",
        );
        let options = PgConnectOptions::from_str(&server).expect("the server's URL is one");
        let mut connection: PgConnection = options
            .connect()
            .await
            .expect("the test run's PostgreSQL answers");
        let database = format!("t_{}", Uuid::now_v7().simple());
        connection
            .execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {database}")))
            .await
            .expect("a database is made");
        connection.close().await.expect("the connection closes");
        let (base, _) = server
            .rsplit_once('/')
            .expect("the server's URL names a database");
        let settings = Settings::of(&format!("{base}/{database}"), service);
        Self {
            name: "postgres",
            settings,
            _folder: None,
        }
    }

    /// The one database of a server.
    pub(crate) fn of_server(addr: SocketAddr, service: &str) -> Self {
        Self {
            name: "postgres",
            settings: Settings::of(&format!("postgres://postgres@{addr}/postgres"), service),
            _folder: None,
        }
    }

    /// Where its PostgreSQL listens.
    ///
    /// # Panics
    /// When it is SQLite.
    #[must_use]
    pub fn server(&self) -> SocketAddr {
        let options = PgConnectOptions::from_str(self.settings.url.expose_secret());
        let options = options.expect("a PostgreSQL has a URL");
        let host = options.get_host().parse();
        SocketAddr::new(
            host.expect("the server's URL has an address"),
            options.get_port(),
        )
    }

    /// The same database, reached through a proxy in front of its server.
    ///
    /// # Panics
    /// When it is SQLite.
    #[must_use]
    pub fn through(&self, proxy: SocketAddr) -> Self {
        let url = self.settings.url.expose_secret();
        let url = url.replace(&self.server().to_string(), &proxy.to_string());
        Self {
            name: self.name,
            settings: Settings::of(&url, &self.settings.service),
            _folder: None,
        }
    }

    /// One of each, for suites that must pass on both.
    pub async fn both(service: &str) -> Vec<Self> {
        vec![Self::sqlite(service).await, Self::postgres(service).await]
    }

    /// How to reach it.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            // Tests share their machine: a service waits longer for a connection than it would.
            acquire_timeout: Duration::from_secs(30),
            ..self.settings.clone()
        }
    }

    /// `sqlite` or `postgres`, for messages.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }
}

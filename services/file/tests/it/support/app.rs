//! The whole service on port 0, and users who call it.

use std::path::PathBuf;
use std::time::Duration;

use ::config::{MapSource, Reader};
use contracts::file::v1::file_service_client::FileServiceClient;
use database::Database;
use file::store::entity;
use file::{App, Config};
use sea_orm::{EntityTrait, PaginatorTrait};
use secrecy::ExposeSecret;
use server::{Shutdown, Sockets};
use tempfile::TempDir;
use testkit::{TestDb, TestIssuer};
use tonic::transport::Channel;
use types::UserId;

use super::user::User;
use super::{files_under, somebody};

/// A running file service.
pub struct TestApp {
    pub issuer: TestIssuer,
    pub channel: Channel,
    pub admin: std::net::SocketAddr,
    pub shutdown: Shutdown,
    pub serving: tokio::task::JoinHandle<()>,
    folder: TempDir,
    db: TestDb,
}

impl TestApp {
    /// On SQLite, with the defaults.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// On SQLite, with these settings.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::start_on(TestDb::sqlite("file").await, settings).await
    }

    /// On this database, with these settings.
    pub async fn start_on(db: TestDb, settings: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        let config = config(&folder, &db, settings);
        let issuer = TestIssuer::new();
        let sockets = Sockets::bind(config.listen).await.unwrap();
        let (addr, admin) = (sockets.addr(), sockets.admin_addr());
        let app = App::build_with(config, issuer.verifier()).await.unwrap();
        let shutdown = Shutdown::new(Duration::from_secs(5));
        let stop = shutdown.clone();
        let serving = tokio::spawn(async move { app.serve(sockets, stop).await.unwrap() });
        Self {
            issuer,
            channel: server::connect(&addr.to_string()).unwrap(),
            admin,
            shutdown,
            serving,
            folder,
            db,
        }
    }

    /// Somebody new, signed in.
    pub fn user(&self) -> User {
        let id = somebody();
        User::new(self, id, self.issuer.user_token(id, "free"))
    }

    /// Another service that acts for somebody.
    pub fn service_for(&self, owner: UserId) -> User {
        let mut service = User::new(self, owner, self.issuer.service_token("generation"));
        service.acts_for = Some(owner);
        service
    }

    /// A client without a token.
    pub fn client(&self) -> FileServiceClient<Channel> {
        FileServiceClient::new(self.channel.clone())
    }

    /// Where the bytes lie.
    pub fn store(&self) -> PathBuf {
        self.folder.path().join("files")
    }

    /// Every file in the store, staged ones too.
    pub fn objects(&self) -> Vec<PathBuf> {
        files_under(&self.store())
    }

    /// Rows of files and of uploads.
    pub async fn rows(&self) -> (u64, u64) {
        let database = Database::connect(&self.db.settings()).await.unwrap();
        let files = entity::files::Entity::find().count(database.read()).await;
        let uploads = entity::uploads::Entity::find().count(database.read()).await;
        let counts = (files.unwrap(), uploads.unwrap());
        database.close().await;
        counts
    }

    /// Waits until neither a row nor a byte is left of what was begun.
    pub async fn expect_nothing_kept(&self) {
        for _ in 0..100 {
            if self.rows().await == (0, 0) && self.objects().is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("kept: {:?} and {:?}", self.rows().await, self.objects());
    }
}

fn config(folder: &TempDir, db: &TestDb, settings: &[(&str, &str)]) -> Config {
    let mut source = MapSource::default();
    let mut set = |name: &str, text: &str| source.0.insert(name.to_owned(), text.to_owned());
    set("BOTTEGA_DATA_DIR", folder.path().to_str().unwrap());
    set("BOTTEGA_FILE_ADDR", "127.0.0.1:0");
    set("BOTTEGA_FILE_ADMIN_ADDR", "127.0.0.1:0");
    set(
        "BOTTEGA_FILE_DATABASE_URL",
        db.settings().url.expose_secret(),
    );
    for (name, text) in settings {
        set(name, text);
    }
    let mut reader = Reader::new(&source);
    let config = Config::read(&mut reader);
    reader.finish().unwrap();
    config
}

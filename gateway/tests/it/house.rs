//! A running gateway and the services behind it, each on a port of its own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use config::{MapSource, Reader};
use gateway::{App, Config};
use identity::Verifier;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use server::{GrpcApp, GrpcSettings, Readiness, Shutdown, Sockets};
use testkit::TestIssuer;
use types::UserId;
use uuid::Uuid;

use crate::fakes::{auth, file, generation, keys, usage};

pub const SECRET: &str = "a secret of the whole suite, long enough";

/// A gateway and its services.
pub struct House {
    pub addr: SocketAddr,
    pub user: UserId,
    pub issuer: TestIssuer,
    pub file: file::Log,
    pub generation: generation::Log,
    pub usage: usage::Log,
    pub keys: keys::Log,
    pub client: reqwest::Client,
    pub shutdown: Shutdown,
    settings: BTreeMap<String, String>,
}

impl House {
    pub async fn open() -> Self {
        Self::with(&[]).await
    }

    /// Opens with these settings besides the ordinary ones.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let issuer = TestIssuer::new();
        let shutdown = Shutdown::new(Duration::from_secs(2));
        let (file, generation, usage, keys) = Default::default();
        let grpc = |name| Grpc {
            name,
            verifier: issuer.verifier(),
            shutdown: shutdown.clone(),
        };
        let mut map = BTreeMap::new();
        let mut set = |name: &str, value: String| map.insert(name.to_owned(), value);
        let auth = auth::service(issuer.clone());
        let api_keys = keys::service(issuer.clone(), &keys);
        set(
            "BOTTEGA_AUTH_ADDR",
            grpc("auth").serve(|app| app.add(auth).add(api_keys)).await,
        );
        let files = file::service(&file);
        set(
            "BOTTEGA_FILE_ADDR",
            grpc("file").serve(|app| app.add(files)).await,
        );
        let generations = generation::service(&generation);
        let addr = grpc("generation").serve(|app| app.add(generations)).await;
        set("BOTTEGA_GENERATION_ADDR", addr);
        let usages = usage::service(&usage);
        set(
            "BOTTEGA_USAGE_ADDR",
            grpc("usage").serve(|app| app.add(usages)).await,
        );
        set("BOTTEGA_SERVICE_SECRET", SECRET.to_owned());
        // Tests ask faster than people; those that are about limits set them.
        set("BOTTEGA_RATE_LIMITS", "off".to_owned());
        set("BOTTEGA_GATEWAY_ADDR", "127.0.0.1:0".to_owned());
        set("BOTTEGA_GATEWAY_ADMIN_ADDR", "127.0.0.1:0".to_owned());
        for (name, value) in settings {
            set(name, (*value).to_owned());
        }
        Self {
            addr: open_gateway(map.clone(), &shutdown).await,
            user: UserId(Uuid::now_v7()),
            issuer,
            file,
            generation,
            usage,
            keys,
            client: reqwest::Client::new(),
            shutdown,
            settings: map,
        }
    }

    /// Opens another gateway in front of the same services; where it listens.
    pub async fn another_gateway(&self) -> SocketAddr {
        self.another_gateway_with(&[]).await
    }

    /// Opens another gateway with these settings besides; where it listens.
    pub async fn another_gateway_with(&self, settings: &[(&str, &str)]) -> SocketAddr {
        let mut map = self.settings.clone();
        for (name, value) in settings {
            map.insert((*name).to_owned(), (*value).to_owned());
        }
        open_gateway(map, &self.shutdown).await
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// The user's access token.
    pub fn token(&self) -> String {
        self.issuer.user_token(self.user, "free")
    }

    /// A request without a token.
    pub fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.anonymous(Method::GET, path).bearer_auth(self.token())
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.anonymous(Method::POST, path).bearer_auth(self.token())
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.shutdown.trigger();
    }
}

async fn open_gateway(settings: BTreeMap<String, String>, shutdown: &Shutdown) -> SocketAddr {
    let source = MapSource(settings);
    let mut reader = Reader::new(&source);
    let config = Config::read(&mut reader);
    let sockets = Sockets::bind(config.listen).await.unwrap();
    let addr = sockets.addr();
    let app = App::build(config).await.unwrap();
    tokio::spawn(app.serve(sockets, shutdown.clone()));
    addr
}

struct Grpc {
    name: &'static str,
    verifier: Verifier,
    shutdown: Shutdown,
}

impl Grpc {
    async fn serve(self, add: impl FnOnce(GrpcApp) -> GrpcApp) -> String {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listen = config::Listen {
            addr: any,
            admin: any,
        };
        let sockets = Sockets::bind(listen).await.unwrap();
        let addr = sockets.addr().to_string();
        let settings = GrpcSettings::default();
        let app = GrpcApp::new(self.name, self.verifier, Readiness::new(), settings);
        tokio::spawn(add(app).serve(sockets, self.shutdown));
        addr
    }
}

/// The error body of a response, which must have this status and name this reason.
pub async fn refused(response: Response, status: u16, reason: &str) -> Value {
    let found = response.status();
    let kind = response.headers()["content-type"].clone();
    let id = response.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let text = response.text().await.unwrap();
    assert_eq!(found, status, "{text}");
    assert_eq!(kind, "application/json");
    let body: Value = serde_json::from_str(&text).unwrap();
    let error = body["error"].clone();
    assert_eq!(error["code"], status);
    assert_eq!(error["requestId"], id);
    assert!(error["timestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(error["details"][0]["reason"], reason, "{text}");
    error
}

/// Waits until `probe` finds something; the test ends when it does not within two seconds.
pub async fn eventually<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    for _ in 0..200 {
        if let Some(found) = probe() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} did not happen");
}

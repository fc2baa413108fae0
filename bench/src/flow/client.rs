//! One user on one connection that stays open.

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

const PASSWORD: &str = "correct horse battery staple";

/// A user who is signed in.
pub struct Client {
    wire: Mutex<SendRequest<Full<Bytes>>>,
    host: String,
    token: String,
}

impl Client {
    /// Connects, and signs a new user up.
    ///
    /// # Errors
    /// The gateway does not answer as it should.
    pub async fn register(host: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        let (wire, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let mut client = Self {
            wire: Mutex::new(wire),
            host: host.to_owned(),
            token: String::new(),
        };
        let email = format!("{}@example.com", uuid::Uuid::now_v7());
        let account = json!({"email": email, "password": PASSWORD, "displayName": "Bench"});
        let made = (client.ask(Method::POST, "/v1/auth/register", account.to_string())).await?;
        let token = made["tokens"]["accessToken"].as_str();
        client.token = token.context("no token was given")?.to_owned();
        Ok(client)
    }

    /// Places an order and gives its id.
    ///
    /// # Errors
    /// It is not accepted.
    pub async fn create(&self, order: String) -> anyhow::Result<String> {
        let made = self.ask(Method::POST, "/v1/generations", order).await?;
        let id = made["id"].as_str().context("the answer has no id")?;
        Ok(id.to_owned())
    }

    /// The status of an order.
    ///
    /// # Errors
    /// It failed, or is not there.
    pub async fn find(&self, id: &str) -> anyhow::Result<String> {
        let path = format!("/v1/generations/{id}");
        let found = self.ask(Method::GET, &path, String::new()).await?;
        let status = found["status"].as_str().unwrap_or_default();
        ensure!(status != "FAILED", "an order failed: {found}");
        Ok(status.to_owned())
    }

    async fn ask(&self, method: Method, path: &str, body: String) -> anyhow::Result<Value> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host)
            .header("content-type", "application/json");
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        let mut wire = self.wire.lock().await;
        wire.ready().await?;
        let answer = wire.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        let text = String::from_utf8_lossy(&body);
        ensure!(status.is_success(), "{path} answered {status}: {text}");
        Ok(serde_json::from_slice(&body)?)
    }
}

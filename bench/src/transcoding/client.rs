//! A client on one connection that stays open.

use anyhow::ensure;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Mutex;

/// One kind of request.
#[derive(Clone)]
pub struct Ask {
    /// For people.
    pub name: &'static str,
    method: Method,
    path: String,
    body: Bytes,
    /// How many bytes the answer has at least.
    bytes: usize,
}

impl Ask {
    /// A JSON body, which is answered.
    pub fn post(name: &'static str, path: &str, body: String) -> Self {
        Self {
            method: Method::POST,
            body: body.into(),
            ..Self::get(name, path.to_owned())
        }
    }

    /// Path and query, which are answered.
    pub const fn get(name: &'static str, path: String) -> Self {
        Self {
            name,
            method: Method::GET,
            path,
            body: Bytes::new(),
            bytes: 2,
        }
    }

    /// The same with an answer of so many bytes.
    pub fn of(self, bytes: usize) -> Self {
        Self { bytes, ..self }
    }
}

/// A connection.
pub struct Client {
    wire: Mutex<SendRequest<Full<Bytes>>>,
    host: String,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens.
    pub async fn connect(host: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        let (wire, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self {
            wire: Mutex::new(wire),
            host: host.to_owned(),
        })
    }

    /// Asks once, and reads the answer whole.
    ///
    /// # Errors
    /// It is no success, or too short.
    pub async fn send(&self, ask: &Ask) -> anyhow::Result<()> {
        let request = Request::builder()
            .method(&ask.method)
            .uri(&ask.path)
            .header(HOST, &self.host)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(ask.body.clone()))?;
        let mut wire = self.wire.lock().await;
        wire.ready().await?;
        let mut answer = wire.send_request(request).await?;
        let status = answer.status();
        let mut bytes = 0;
        while let Some(frame) = answer.frame().await {
            bytes += frame?.data_ref().map_or(0, Bytes::len);
        }
        ensure!(status.is_success(), "{}: {status}", ask.name);
        ensure!(bytes >= ask.bytes, "{}: {bytes} bytes", ask.name);
        Ok(())
    }
}

//! A paid provider that keeps a log of its orders by their prompt, with job ids or without.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// How a provider takes orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It gives each a job id, to be asked about.
    WithJobs,
    /// It answers with the picture, and nobody can ask again.
    AtOnce,
}

type Log = Arc<Mutex<HashMap<String, usize>>>;

/// A running shop.
pub struct Shop {
    pub addr: SocketAddr,
    log: Log,
}

impl Shop {
    pub async fn open() -> Self {
        let log = Log::default();
        let router = Router::new()
            .route("/v1/images/generations", post(paint))
            .route("/v1/{model}", post(take))
            .route("/poll", get(ready))
            .route("/sample.png", get(sample))
            .with_state(Arc::clone(&log));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        #[expect(clippy::disallowed_methods, reason = "a stub needs no limits")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { addr, log }
    }

    /// How often a picture was ordered, and so paid.
    pub fn orders(&self, prompt: &str) -> usize {
        self.log.lock().unwrap().get(prompt).copied().unwrap_or(0)
    }
}

fn note(log: &Log, body: &Value) {
    let prompt = body["prompt"].as_str().unwrap_or_default().to_owned();
    *log.lock().unwrap().entry(prompt).or_default() += 1;
}

async fn paint(State(log): State<Log>, Json(body): Json<Value>) -> Json<Value> {
    note(&log, &body);
    let png = STANDARD.encode(testkit::pictures::png(64, 64));
    Json(json!({"created": 1, "data": [{"b64_json": png}]}))
}

// Under the name it was called by, so that all words pass the same wire.
async fn take(State(log): State<Log>, headers: HeaderMap, Json(body): Json<Value>) -> Json<Value> {
    note(&log, &body);
    let url = format!("http://{}/poll?id=1", host(&headers));
    Json(json!({"id": "job", "polling_url": url, "cost": 1.4}))
}

async fn ready(headers: HeaderMap) -> Json<Value> {
    let url = format!("http://{}/sample.png", host(&headers));
    Json(json!({"status": "Ready", "result": {"sample": url}}))
}

async fn sample() -> ([(&'static str, &'static str); 1], Vec<u8>) {
    let png = testkit::pictures::png(64, 64);
    ([("content-type", "image/png")], png)
}

fn host(headers: &HeaderMap) -> &str {
    headers["host"].to_str().unwrap()
}

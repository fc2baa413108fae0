//! A paid provider for tests: an OpenAI-compatible endpoint that takes its time and counts orders.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

#[derive(Clone)]
struct Desk {
    orders: Arc<AtomicUsize>,
    takes: Duration,
    tells: Value,
}

/// The running stub.
pub struct PaidProvider {
    /// What `BOTTEGA_PROVIDER_OPENAI_BASE_URL` is set to.
    pub url: String,
    orders: Arc<AtomicUsize>,
}

impl PaidProvider {
    /// One whose pictures take this long.
    pub async fn start(takes: Duration) -> Self {
        Self::telling(takes, Value::Null).await
    }

    /// One that tells what each order used.
    pub async fn telling(takes: Duration, usage: Value) -> Self {
        let orders = Arc::new(AtomicUsize::new(0));
        let desk = Desk {
            orders: Arc::clone(&orders),
            takes,
            tells: usage,
        };
        let router = Router::new()
            .route("/v1/images/generations", post(paint))
            .with_state(desk);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        #[expect(clippy::disallowed_methods, reason = "a stub needs no limits")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, orders }
    }

    /// How many orders came, each of them paid.
    pub fn orders(&self) -> usize {
        self.orders.load(Ordering::SeqCst)
    }
}

async fn paint(State(desk): State<Desk>) -> Json<Value> {
    desk.orders.fetch_add(1, Ordering::SeqCst);
    tokio::time::sleep(desk.takes).await;
    let png = STANDARD.encode(testkit::pictures::png(64, 64));
    Json(json!({"created": 1, "data": [{"b64_json": png}], "usage": desk.tells}))
}

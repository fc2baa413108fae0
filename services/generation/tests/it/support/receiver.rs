//! A user's own server: keeps every byte that events come in, and answers as it is told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::Value;

/// One event as it came.
#[derive(Debug, Clone)]
pub struct Received {
    pub id: String,
    pub timestamp: String,
    pub signatures: Vec<String>,
    pub body: Bytes,
}

impl Received {
    /// Whether one of the signatures is by this secret, as any receiver would find out.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap());
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key.unwrap());
        let mut signed = format!("{}.{}.", self.id, self.timestamp).into_bytes();
        signed.extend_from_slice(&self.body);
        self.signatures.iter().any(|signature| {
            let tag = STANDARD.decode(signature.strip_prefix("v1,").unwrap());
            hmac::verify(&key, &signed, &tag.unwrap()).is_ok()
        })
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Default)]
struct Desk {
    log: Mutex<Vec<Received>>,
    answers: Mutex<VecDeque<u16>>,
}

/// The server.
pub struct Receiver {
    pub url: String,
    desk: Arc<Desk>,
}

impl Receiver {
    /// Answers with these statuses, one after the other, and then with 204. 0 is silence.
    pub async fn answering(answers: impl IntoIterator<Item = u16>) -> Self {
        let desk = Arc::new(Desk {
            answers: Mutex::new(answers.into_iter().collect()),
            ..Desk::default()
        });
        let router = axum::Router::new()
            .route("/hooks", axum::routing::post(receive))
            .with_state(Arc::clone(&desk));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        #[expect(clippy::disallowed_methods, reason = "a receiver is no server of ours")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, desk }
    }

    pub fn log(&self) -> Vec<Received> {
        self.desk.log.lock().unwrap().clone()
    }

    /// The first events, once so many have come.
    pub async fn events(&self, count: usize) -> Vec<Received> {
        for _ in 0..400 {
            let log = self.log();
            if log.len() >= count {
                return log;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{} of {count} events came", self.log().len());
    }
}

async fn receive(State(desk): State<Arc<Desk>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let field = |name: &str| headers[name].to_str().unwrap().to_owned();
    let signatures = field("webhook-signature");
    desk.log.lock().unwrap().push(Received {
        id: field("webhook-id"),
        timestamp: field("webhook-timestamp"),
        signatures: signatures.split(' ').map(str::to_owned).collect(),
        body,
    });
    let answer = desk.answers.lock().unwrap().pop_front().unwrap_or(204);
    if answer == 0 {
        std::future::pending::<()>().await;
    }
    StatusCode::from_u16(answer).unwrap()
}

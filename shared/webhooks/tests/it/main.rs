//! Attempts against a receiver that answers in every way it can.
#![expect(
    clippy::unwrap_used,
    reason = "what the tests share fails a test by stopping it"
)]

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect};
use axum::routing::post;
use bytes::Bytes;
use secrecy::SecretString;
use types::Timestamp;
use webhooks::{Delivery, Endpoint, Event, Secrets, Sender};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

async fn receiver() -> String {
    let router = Router::new()
        .route("/fine", post(check))
        .route(
            "/elsewhere",
            post(|| async { Redirect::temporary("/fine") }),
        )
        .route(
            "/busy",
            post(|| async { (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "77")]) }),
        )
        .route(
            "/endless",
            post(|| async {
                let piece = || Ok::<_, std::convert::Infallible>(Bytes::from(vec![b'x'; 4096]));
                Body::from_stream(tokio_stream::iter(std::iter::repeat_with(piece)))
            }),
        );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    #[expect(clippy::disallowed_methods, reason = "a receiver is no server of ours")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    base
}

async fn check(headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let field = |name: &str| headers[name].to_str().unwrap().to_owned();
    let secrets = Secrets::parse(&SecretString::from(SECRET)).unwrap();
    let seconds = field("webhook-timestamp").parse().unwrap();
    let expected = secrets.sign(&field("webhook-id"), seconds, &body);
    let is_ours =
        expected == field("webhook-signature") && field("content-type") == "application/json";
    if is_ours {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::FORBIDDEN
    }
}

async fn send(url: &str) -> Delivery {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let endpoint = Endpoint::parse(url, false).unwrap();
    let secrets = Secrets::parse(&SecretString::from(SECRET)).unwrap();
    let event = Event {
        id: "one".to_owned(),
        body: Bytes::from_static(b"{}"),
    };
    let sender = Sender::new(endpoint, secrets).unwrap();
    sender.send(&event, Timestamp(1_700_000_000_000_000)).await
}

fn why(delivery: Delivery) -> (String, Option<Duration>) {
    match delivery {
        Delivery::Failed {
            why, retry_after, ..
        } => (why, retry_after),
        Delivery::Taken => ("taken".to_owned(), None),
    }
}

#[tokio::test]
async fn two_hundreds_are_taken_and_nothing_else() {
    let base = receiver().await;
    assert_eq!(send(&format!("{base}/fine")).await, Delivery::Taken);
    let redirect = why(send(&format!("{base}/elsewhere")).await);
    assert_eq!(redirect, ("HTTP 307".to_owned(), None));
    let busy = why(send(&format!("{base}/busy")).await);
    assert_eq!(busy, ("HTTP 503".to_owned(), Some(Duration::from_secs(77))));
    assert_eq!(why(send(&format!("{base}/nowhere")).await).0, "HTTP 404");
    let (refused, _) = why(send("http://127.0.0.1:1/").await);
    assert!(
        refused.contains("refused") && !refused.contains("127.0.0.1:1/"),
        "{refused}"
    );
}

#[tokio::test]
async fn an_endless_answer_is_not_read() {
    let base = receiver().await;
    let begin = Instant::now();
    assert_eq!(send(&format!("{base}/endless")).await, Delivery::Taken);
    assert!(begin.elapsed() < Duration::from_secs(5));
}

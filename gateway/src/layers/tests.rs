//! The layers around handlers that misbehave.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use config::{MapSource, Reader};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::around;
use crate::Config;

fn config(settings: &MapSource) -> Config {
    Config::read(&mut Reader::new(settings))
}

async fn panics() -> &'static str {
    panic!("the secret of the house");
}

fn misbehaving(config: &Config) -> Router {
    around(
        Router::new()
            .route("/panic", get(panics))
            .route("/fine", get(async || "fine")),
        config,
    )
}

#[tokio::test]
async fn a_panic_is_an_error_with_the_headers_of_any_other() {
    let app = misbehaving(&config(&MapSource::default()));
    let request = Request::get("/panic")
        .header("x-request-id", "r-7")
        .body(Body::empty())
        .unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(response.headers()["x-request-id"], "r-7");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["error"]["status"], "INTERNAL");
    assert_eq!(body["error"]["requestId"], "r-7");
    assert!(!body.to_string().contains("secret"), "{body}");
    let request = Request::get("/fine").body(Body::empty()).unwrap();
    assert_eq!(app.oneshot(request).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn only_listed_origins_are_let_in() {
    let source = MapSource::from([("BOTTEGA_GATEWAY_CORS_ORIGINS", "https://app.example")]);
    let app = misbehaving(&config(&source));
    let ask = |method: &str, origin: &str| {
        let request = Request::builder()
            .method(method)
            .uri("/fine")
            .header("origin", origin)
            .header("access-control-request-method", "GET");
        app.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    let preflight = ask("OPTIONS", "https://app.example").await.unwrap();
    assert_eq!(preflight.status(), StatusCode::NO_CONTENT);
    assert_eq!(
        preflight.headers()["access-control-allow-origin"],
        "https://app.example"
    );
    let listed = ask("GET", "https://app.example").await.unwrap();
    assert_eq!(
        listed.headers()["access-control-allow-origin"],
        "https://app.example"
    );
    assert_eq!(listed.headers()["vary"], "origin");
    for (method, origin) in [
        ("GET", "https://app.example.evil.test"),
        ("OPTIONS", "null"),
    ] {
        let refused = ask(method, origin).await.unwrap();
        assert!(
            !refused
                .headers()
                .contains_key("access-control-allow-origin"),
            "{origin}"
        );
    }
}

#[tokio::test]
async fn hsts_is_a_choice() {
    for (setting, expected) in [("on", true), ("off", false)] {
        let app = misbehaving(&config(&MapSource::from([(
            "BOTTEGA_GATEWAY_HSTS",
            setting,
        )])));
        let request = Request::get("/fine").body(Body::empty()).unwrap();
        let response = app.oneshot(request).await.unwrap();
        assert_eq!(
            response.headers().contains_key("strict-transport-security"),
            expected
        );
    }
}

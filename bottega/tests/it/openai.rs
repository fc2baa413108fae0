//! Programs made for OpenAI's image API, as they send it: a `base_url`, an API key, and their own way to send
//! again what was not answered.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use testkit::pictures;

use crate::app::{App, PaidProvider, Reply, User};

const GENERATIONS: &str = "/openai/v1/images/generations";
const EDITS: &str = "/openai/v1/images/edits";

async fn keyed(app: &App, user: &User, scopes: &[&str]) -> User {
    let body = json!({"displayName": "sdk", "scopes": scopes});
    let made = user.post("/v1/api-keys", &body).await.expect(201).json();
    user.moved(&app.url, made["key"].as_str().unwrap())
}

async fn program(app: &App) -> User {
    let user = app.user().await;
    let scopes = [
        "files:read",
        "files:write",
        "generations:read",
        "generations:write",
        "usage:read",
    ];
    keyed(app, &user, &scopes).await
}

/// A request as the SDKs make it: their first try, or a later one.
fn sdk(program: &User, tries: u32, body: &Value) -> RequestBuilder {
    let request = program.request(Method::POST, GENERATIONS).json(body);
    request.header("x-stainless-retry-count", tries.to_string())
}

fn picture(data: &Value) -> (u32, u32) {
    let bytes = STANDARD.decode(data["b64_json"].as_str().unwrap()).unwrap();
    let picture = image::load_from_memory(&bytes).unwrap();
    (picture.width(), picture.height())
}

/// Demands an error in OpenAI's shape, and that the SDKs do not send it again.
#[track_caller]
fn refused(reply: &Reply, status: u16, code: &str, again: &str) -> Value {
    assert_eq!(reply.status, status, "{}", reply.text());
    let error = reply.json()["error"].clone();
    assert_eq!(error["code"], code, "{error}");
    for name in ["message", "type"] {
        assert!(error[name].as_str().is_some_and(|text| !text.is_empty()));
    }
    assert_eq!(reply.header("x-should-retry"), again, "{error}");
    assert!(!reply.header("x-request-id").is_empty());
    error
}

#[tokio::test]
async fn pictures_are_ordered_waited_for_and_brought() {
    for app in [App::start().await, App::start_on_postgres().await] {
        let program = program(&app).await;
        let body = json!({"prompt": "a fox", "size": "96x64", "n": 2, "model": "auto"});
        let made = Reply::of(sdk(&program, 0, &body)).await.expect(200);
        assert!(
            made.header("ratelimit").contains("generations-month"),
            "{:?}",
            made.headers
        );
        let made = made.json();
        assert!(made["created"].as_i64().unwrap() > 1_700_000_000);
        let data = made["data"].as_array().unwrap();
        assert_eq!(data.len(), 2);
        assert!(data.iter().all(|one| picture(one) == (96, 64)));
        assert_ne!(data[0]["b64_json"], data[1]["b64_json"]);
        program.settled(2).await;

        let body = json!({"prompt": "a fox", "size": "64x64", "response_format": "url"});
        let made = program.post(GENERATIONS, &body).await.expect(200).json();
        let url = made["data"][0]["url"].as_str().unwrap();
        let path = url.strip_prefix(&app.url).unwrap();
        assert!(
            program
                .get(path)
                .await
                .expect(200)
                .bytes
                .starts_with(b"\x89PNG")
        );
        app.stop().await;
    }
}

#[tokio::test]
async fn pictures_are_changed() {
    let app = App::start().await;
    let program = program(&app).await;
    let form = || {
        let fox = Part::bytes(pictures::png(64, 64)).file_name("fox.png");
        Form::new()
            .part("image[]", fox.mime_str("image/png").unwrap())
            .text("prompt", "at night")
            .text("size", "64x64")
            .text("n", "1")
    };
    let send = |tries: &'static str| {
        let request = program.request(Method::POST, EDITS).multipart(form());
        Reply::of(request.header("x-stainless-retry-count", tries))
    };
    let made = send("0").await.expect(200).json();
    assert_eq!(picture(&made["data"][0]), (64, 64));
    let id = made["data"][0]["generation_id"].as_str().unwrap();
    let generation = program.get(&format!("/v1/generations/{id}")).await;
    let inputs = generation.expect(200).json()["image"]["inputFileIds"].clone();
    assert_eq!(inputs.as_array().unwrap().len(), 1);
    let again = send("1").await.expect(200).json();
    assert_eq!(again["data"], made["data"], "the same picture, bought once");
    program.settled(1).await;

    let bare = program.request(Method::POST, EDITS);
    let bare = bare.multipart(Form::new().text("prompt", "at night"));
    let error = refused(&Reply::of(bare).await, 400, "invalid_value", "false");
    assert_eq!(error["param"], "image");
    let json = program.post(EDITS, &json!({"prompt": "at night"})).await;
    refused(&json, 415, "unsupported_media_type", "false");
    let text = Part::bytes(b"not a picture".to_vec()).file_name("fox.png");
    let text = Form::new().part("image", text).text("prompt", "at night");
    let text = Reply::of(program.request(Method::POST, EDITS).multipart(text)).await;
    assert_eq!(text.status / 100, 4, "{}", text.text());
    assert_eq!(text.header("x-should-retry"), "false");
    app.stop().await;
}

#[tokio::test]
async fn models_are_listed_and_named() {
    let app = App::start().await;
    let program = program(&app).await;
    let list = program.get("/openai/v1/models").await.expect(200).json();
    assert_eq!(list["object"], "list");
    let ids: Vec<&str> = (list["data"].as_array().unwrap().iter())
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    assert!(ids.len() > 1 && ids[0] == "auto", "{ids:?}");
    assert!(ids[1].starts_with("sketch/"), "{ids:?}");
    for model in [ids[1], "sketch"] {
        let body = json!({"prompt": "a fox", "size": "64x64", "model": model});
        program.post(GENERATIONS, &body).await.expect(200);
    }
    let body = json!({"prompt": "a fox", "model": "dall-e-3"});
    let unknown = program.post(GENERATIONS, &body).await;
    let error = refused(&unknown, 404, "model_not_found", "false");
    assert_eq!(error["param"], "model");
    app.stop().await;
}

#[tokio::test]
async fn refusals_are_worded_as_its_clients_know_them() {
    let app = App::start_with(&[("BOTTEGA_USAGE_PLANS", "free:1,basic:1,pro:1")]).await;
    let user = app.user().await;
    let program = program(&app).await;
    let fox = json!({"prompt": "a fox", "size": "64x64"});
    let nobody = user.moved(&app.url, "btg_nothing");
    refused(
        &nobody.post(GENERATIONS, &fox).await,
        401,
        "invalid_api_key",
        "false",
    );
    // Before anything is bought that could not be fetched then.
    let narrow = keyed(&app, &user, &["generations:read", "generations:write"]).await;
    let reply = narrow.post(GENERATIONS, &fox).await;
    refused(&reply, 403, "insufficient_permissions", "false");
    user.settled(0).await;

    for (body, param) in [
        (json!({"size": "64x64"}), "prompt"),
        (json!({"prompt": "a fox", "n": 99}), "n"),
        (json!({"prompt": "a fox", "size": "1x1"}), "size"),
        (json!({"prompt": "x".repeat(10_001)}), "prompt"),
    ] {
        let reply = program.post(GENERATIONS, &body).await;
        let error = refused(&reply, 400, "invalid_value", "false");
        assert_eq!(error["param"], param, "{error}");
    }
    let forbidden = json!({"prompt": "a naked child", "size": "64x64"});
    let reply = program.post(GENERATIONS, &forbidden).await;
    refused(&reply, 400, "content_policy_violation", "false");
    let list = program.post(GENERATIONS, &json!(["a fox"])).await;
    refused(&list, 400, "invalid_request", "false");
    let unknown = program.post("/openai/v1/chat/completions", &fox).await;
    refused(&unknown, 404, "unknown_url", "false");
    let wrong = program.get(GENERATIONS).await;
    refused(&wrong, 405, "method_not_allowed", "false");
    assert_eq!(wrong.header("allow"), "POST");

    let one = json!({"prompt": "a fox", "size": "64x64", "n": 3});
    let made = program.post(GENERATIONS, &one).await.expect(200).json();
    assert_eq!(
        made["data"].as_array().unwrap().len(),
        1,
        "as many as there were"
    );
    let over = program.post(GENERATIONS, &fox).await;
    refused(&over, 402, "insufficient_quota", "false");
    app.stop().await;
}

#[tokio::test]
async fn coming_too_often_is_worth_another_try() {
    let app = App::start_with(&[
        ("BOTTEGA_RATE_LIMITS", "on"),
        ("BOTTEGA_RATE_API_KEY", "2/h"),
    ])
    .await;
    let program = program(&app).await;
    // Several calls inside, one request outside.
    let fox = json!({"prompt": "a fox", "size": "64x64"});
    for _ in 0..2 {
        let made = program.post(GENERATIONS, &fox).await.expect(200);
        assert!(made.header("ratelimit-policy").contains("api_key-1h"));
    }
    let over = program.post(GENERATIONS, &fox).await;
    refused(&over, 429, "rate_limit_exceeded", "true");
    assert!(!over.header("retry-after").is_empty());
    app.stop().await;
}

fn paid(url: &str) -> [(&str, &str); 6] {
    [
        ("BOTTEGA_GATEWAY_OPENAI_WAIT", "1s"),
        ("BOTTEGA_PROVIDER_OPENAI_BASE_URL", url),
        ("BOTTEGA_PROVIDER_OPENAI_MODEL", "stub-1"),
        ("BOTTEGA_PROVIDER_OPENAI_PRICE", "0.005"),
        ("BOTTEGA_PROVIDER_OPENAI_PRICE_AS_OF", "2026-11-01"),
        ("BOTTEGA_RATE_LIMITS", "off"),
    ]
}

#[tokio::test]
async fn what_takes_long_is_bought_once() {
    let provider = PaidProvider::start(Duration::from_secs(3)).await;
    let app = App::start_with(&paid(&provider.url)).await;
    let program = program(&app).await;
    let body = json!({"prompt": "a fox", "size": "64x64", "model": "openai/stub-1"});
    let begun = Instant::now();
    let late = Reply::of(sdk(&program, 0, &body)).await;
    assert!(
        begun.elapsed() < Duration::from_millis(2_900),
        "{:?}",
        begun.elapsed()
    );
    refused(&late, 422, "still_running", "false");
    let id = late.header("x-generation-id").to_owned();
    program
        .get(&format!("/v1/generations/{id}"))
        .await
        .expect(200);
    // Whoever sends it again all the same, like the SDKs when a connection breaks, has the first.
    let still = Reply::of(sdk(&program, 1, &body)).await;
    assert_eq!(still.header("x-generation-id"), id);
    program.finished(&id).await;
    let made = Reply::of(sdk(&program, 2, &body)).await.expect(200).json();
    assert_eq!(made["data"][0]["generation_id"], id);
    assert_eq!(provider.orders(), 1);
    // A first try is a new order.
    let other = Reply::of(sdk(&program, 0, &body)).await;
    refused(&other, 422, "still_running", "false");
    program.finished(other.header("x-generation-id")).await;
    assert_eq!(provider.orders(), 2);
    program.settled(2).await;
    app.stop().await;
}

#[tokio::test]
async fn one_key_is_one_order_whoever_sends_it() {
    let provider = PaidProvider::start(Duration::from_millis(200)).await;
    let app = App::start_with(&paid(&provider.url)).await;
    let program = program(&app).await;
    let body = json!({"prompt": "a fox", "size": "64x64", "model": "stub-1", "n": 2});
    let send = || {
        let request = sdk(&program, 0, &body);
        Reply::of(request.header("idempotency-key", "mine"))
    };
    let (one, two) = tokio::join!(send(), send());
    let (one, two) = (one.expect(200).json(), two.expect(200).json());
    assert_eq!(one["data"].as_array().unwrap().len(), 2);
    assert_eq!(one["data"], two["data"]);
    assert_eq!(send().await.expect(200).json()["data"], one["data"]);
    assert_eq!(provider.orders(), 2);
    let other = json!({"prompt": "a bear", "size": "64x64"});
    let other = sdk(&program, 0, &other).header("idempotency-key", "mine");
    refused(
        &Reply::of(other).await,
        422,
        "idempotency_mismatch",
        "false",
    );
    program.settled(2).await;
    app.stop().await;
}

#[tokio::test]
async fn what_a_provider_fails_at_is_not_sent_again() {
    // Nobody listens there.
    let app = App::start_with(&paid("http://127.0.0.1:9/v1")).await;
    let program = program(&app).await;
    let body = json!({"prompt": "a fox", "size": "64x64", "model": "openai/stub-1"});
    let reply = program.post(GENERATIONS, &body).await;
    assert_eq!(reply.status, 422, "{}", reply.text());
    assert_eq!(reply.header("x-should-retry"), "false");
    app.stop().await;
}

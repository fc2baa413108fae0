//! schemathesis finds nothing that the served OpenAPI document does not say: no failure of ours, no other status,
//! header, content type or body.

use std::env;
use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::app::{ADMIN, App, User};

/// Enough for whatever is ordered.
const PLANS: (&str, &str) = ("BOTTEGA_USAGE_PLANS", "free:100000,basic:100000,pro:100000");

/// How much is asked: the same each time, or for as long as `make schemathesis` is told.
fn extent() -> Vec<String> {
    let given = |name| env::var(name).ok();
    let words = match given("BOTTEGA_FUZZ_SECONDS") {
        Some(seconds) => {
            let seed = given("BOTTEGA_FUZZ_SEED").unwrap_or_default();
            format!("--max-time {seconds} --seed {seed}")
        }
        None => "--max-examples 4 --seed 1".to_owned(),
    };
    words.split(' ').map(str::to_owned).collect()
}

async fn made(operator: &User, path: &str, body: &Value) -> Value {
    let reply = operator.post(path, body).await;
    assert_eq!(reply.status / 100, 2, "{path}: {}", reply.text());
    reply.json()
}

/// Things to ask for, by the operations that do so; what one of them deletes, no other asks for.
async fn there(operator: &User) -> Value {
    let picture = testkit::pictures::png(64, 64);
    let mut files = Vec::new();
    for _ in 0..2 {
        let file = operator
            .upload("fox.png", "image/png", picture.clone())
            .await;
        files.push(file.expect(201).json()["id"].take());
    }
    let generation = operator.generate("a fox").await;
    operator.finished(&generation).await;
    let order = json!({"kind": "IMAGE", "image": {"prompt": "a fox", "width": 64, "height": 64}});
    let batch = made(
        operator,
        "/v1/generations:batch",
        &json!({"requests": [order]}),
    )
    .await;
    // A name that leads nowhere.
    let hook = json!({"url": "https://bottega.invalid/hook"});
    let webhook = made(operator, "/v1/webhooks", &hook).await["webhook"]["id"].take();
    let hooked = format!("/v1/webhooks/{}:test", webhook.as_str().unwrap());
    let delivery = made(operator, &hooked, &json!({})).await["id"].take();
    let key = json!({"displayName": "a", "scopes": ["files:read"]});
    let key = made(operator, "/v1/api-keys", &key).await["apiKey"]["id"].take();
    let budget =
        json!({"name": "all", "scope": {"type": "GLOBAL"}, "window": "DAY", "limit": 7_000_000});
    let budget = made(operator, "/v1/admin/budgets", &budget).await["id"].take();
    let price = json!({"provider": "flux", "model": "fast", "unit": "IMAGE", "priceMicrousd": 0});
    let price = made(operator, "/v1/admin/prices", &price).await["id"].take();
    json!({
        "GET /v1/files/{id}": {"id": files[0]},
        "GET /v1/files/{id}/content": {"id": files[0]},
        "DELETE /v1/files/{id}": {"id": files[1]},
        "GET /v1/generations/{id}": {"id": generation},
        "GET /v1/generations/{id}/events": {"id": generation},
        "POST /v1/generations/{id}:cancel": {"id": generation},
        "GET /v1/batches/{id}": {"id": batch["id"]},
        "GET /v1/webhooks/{id}": {"id": webhook},
        "PATCH /v1/webhooks/{id}": {"id": webhook},
        "POST /v1/webhooks/{id}:rotateSecret": {"id": webhook},
        "POST /v1/webhooks/{id}:test": {"id": webhook},
        "GET /v1/webhooks/{webhookId}/deliveries": {"webhookId": webhook},
        "POST /v1/webhooks/{webhookId}/deliveries/{id}:redeliver": {"webhookId": webhook, "id": delivery},
        "DELETE /v1/api-keys/{id}": {"id": key},
        "GET /v1/admin/budgets/{id}": {"id": budget},
        "PATCH /v1/admin/budgets/{id}": {"id": budget},
        "DELETE /v1/admin/prices/{id}": {"id": price},
        "GET /v1/admin/plans/{name}": {"name": "free"},
        "PUT /v1/admin/plans/{name}": {"name": "basic"},
        "GET /v1/admin/users/{id}": {"id": operator.id},
        "GET /v1/admin/users/{id}/audit": {"id": operator.id},
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_is_in_the_document() {
    let app = App::start_with(&[ADMIN, PLANS]).await;
    let operator = app.operator().await;
    let there = there(&operator).await;
    let paths = app.get("/openapi.json").await.expect(200).json()["paths"].take();
    for operation in there.as_object().unwrap().keys() {
        let (method, path) = operation.split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        let known = &paths[path][method.as_str().to_lowercase()];
        assert!(known.is_object(), "there is no {operation}");
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/schemathesis");
    let ran = Command::new(script)
        .arg(&app.url)
        .args(extent())
        .env("BOTTEGA_TOKEN", &operator.token)
        .env("BOTTEGA_THERE", there.to_string())
        .kill_on_drop(true)
        .output();
    let ran = ran.await.unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (said(&ran.stdout), said(&ran.stderr));
    eprintln!("{out}");
    assert!(ran.status.success(), "{err}");
    app.stop().await;
}

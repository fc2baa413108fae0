//! Orders that are repeated under their key, through the whole suite: one picture, one charge.

use futures::future::join_all;
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

use crate::app::{App, PaidProvider, Reply, User};

async fn order(user: &User, key: &str, prompt: &str) -> Reply {
    let image = json!({"prompt": prompt, "width": 64, "height": 64});
    let request = user.request(Method::POST, "/v1/generations");
    let request = request.header("Idempotency-Key", key);
    Reply::of(request.json(&json!({"kind": "IMAGE", "image": image}))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_at_once_one_is_made_and_charged() {
    let provider = PaidProvider::start(Duration::from_millis(50)).await;
    let settings = [
        ("BOTTEGA_PROVIDER_OPENAI_BASE_URL", provider.url.as_str()),
        ("BOTTEGA_PROVIDER_OPENAI_MODEL", "stub-1"),
        ("BOTTEGA_PROVIDER_OPENAI_PRICE", "0.005"),
        ("BOTTEGA_PROVIDER_OPENAI_PRICE_AS_OF", "2026-11-01"),
    ];
    let apps = [
        App::start_with(&settings).await,
        App::start_on_postgres_with(&settings).await,
    ];
    for (place, app) in apps.into_iter().enumerate() {
        let user = app.user().await;
        let replies = join_all((0..50).map(|_| order(&user, "once", "a fox"))).await;
        let mut ids = Vec::new();
        for reply in &replies {
            match reply.status {
                202 => ids.push(reply.json()["id"].as_str().unwrap().to_owned()),
                // The first is not known yet where the other four units are reserved for the others.
                429 => drop(reply.expect_error(429, "QUOTA_EXCEEDED")),
                _ => drop(reply.expect_error(409, "IDEMPOTENCY_IN_FLIGHT")),
            }
        }
        ids.dedup();
        assert_eq!(ids.len(), 1, "{ids:?}");
        user.finished(&ids[0]).await;
        user.settled(1).await;
        assert_eq!(provider.orders(), 5 * place + 1);
        // Until the quota is spent, and after.
        for number in 0..4 {
            order(&user, &format!("{number}"), "a fox")
                .await
                .expect(202);
        }
        order(&user, "new", "a fox")
            .await
            .expect_error(429, "QUOTA_EXCEEDED");
        let again = order(&user, "once", "a fox").await.expect(202);
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(again.json()["id"], ids[0].as_str());
        order(&user, "once", "a wolf")
            .await
            .expect_error(422, "IDEMPOTENCY_MISMATCH");
        user.settled(5).await;
        let records = user.get("/v1/usage/records").await.expect(200).json();
        assert_eq!(records["records"].as_array().unwrap().len(), 5);
        app.stop().await;
    }
    assert_eq!(provider.orders(), 10);
}

//! Spending is paused while orders wait: their units and money stay set aside, nothing leaves, and once it is resumed
//! each is made and charged once.

use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use types::{Clock, SystemClock};

use crate::app::{ADMIN, App, PaidProvider, User};

const PRICE: i64 = 50_000;

async fn later(user: &User, wait: Duration) -> String {
    let at = SystemClock.now().plus(wait).to_string();
    let image = json!({"prompt": "a paid picture", "width": 64, "height": 64});
    let order = json!({"kind": "IMAGE", "image": image, "notBefore": at});
    let made = user
        .post("/v1/generations", &order)
        .await
        .expect(202)
        .json();
    made["id"].as_str().unwrap().to_owned()
}

async fn money(user: &User) -> Value {
    let usage = user.get("/v1/usage").await.expect(200).json();
    let limits = usage["limits"].as_array().unwrap().iter();
    let mut money = limits.filter(|one| one["meter"] == "MICROUSD");
    money.next().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accepted_orders_wait_and_keep_what_is_theirs() {
    let provider = PaidProvider::start(Duration::ZERO).await;
    let settings = [
        ADMIN,
        ("BOTTEGA_PROVIDER_OPENAI_BASE_URL", provider.url.as_str()),
        ("BOTTEGA_PROVIDER_OPENAI_MODEL", "stub-1"),
        ("BOTTEGA_PROVIDER_OPENAI_PRICE", "0.05"),
        ("BOTTEGA_PROVIDER_OPENAI_PRICE_AS_OF", "2026-11-01"),
        ("BOTTEGA_USAGE_PLANS", "free:4+$0.20,basic:25,pro:100"),
    ];
    for app in [
        App::start_with(&settings).await,
        App::start_on_postgres_with(&settings).await,
    ] {
        pause_and_resume(&app, &provider).await;
        app.stop().await;
    }
}

async fn pause_and_resume(app: &App, provider: &PaidProvider) {
    let before = provider.orders();
    let (operator, user) = (app.operator().await, app.user().await);
    let ids = join_all((0..4).map(|_| later(&user, Duration::from_millis(1_500)))).await;
    let pause = json!({"reason": "a bill that cannot be"});
    operator
        .post("/v1/admin/spending:pause", &pause)
        .await
        .expect(200);
    // Who comes now is refused; of the four that were accepted nothing is lost.
    user.order("a fox")
        .await
        .expect_error(429, "QUOTA_EXCEEDED");
    let stranger = app.user().await;
    stranger
        .order("a fox")
        .await
        .expect_error(503, "SPENDING_PAUSED");
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    for id in &ids {
        let waits = user
            .get(&format!("/v1/generations/{id}"))
            .await
            .expect(200)
            .json();
        assert_eq!(waits["status"], "PENDING", "{waits}");
    }
    assert_eq!(provider.orders(), before);
    assert_eq!(user.quota().await["reserved"], 4);
    assert_eq!(money(&user).await["reserved"], 4 * PRICE);
    operator
        .post("/v1/admin/spending:resume", &json!({}))
        .await
        .expect(200);
    for id in &ids {
        let done = user.finished(id).await;
        assert_eq!(
            (&done["status"], &done["costMicrousd"]),
            (&json!("COMPLETED"), &json!(PRICE))
        );
    }
    user.settled(4).await;
    assert_eq!(provider.orders() - before, 4);
    let spent = money(&user).await;
    assert_eq!(
        (&spent["used"], &spent["reserved"]),
        (&json!(4 * PRICE), &json!(0))
    );
    user.order("a fox")
        .await
        .expect_error(429, "QUOTA_EXCEEDED");
}

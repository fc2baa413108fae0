//! Nobody goes over, whoever races, and nobody pays for what failed.

use futures::future::join_all;
use serde_json::json;

use crate::app::App;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hundred_at_once_exactly_five_are_accepted() {
    for app in [App::start().await, App::start_on_postgres().await] {
        let user = app.user().await;
        let orders = join_all((0..200).map(|_| user.order("a race"))).await;
        let (accepted, refused): (Vec<_>, Vec<_>) =
            orders.iter().partition(|order| order.status == 202);
        assert_eq!(accepted.len(), 5);
        for order in refused {
            let facts = order.expect_error(429, "QUOTA_EXCEEDED");
            assert_eq!(facts["limit"], "5", "{facts}");
            assert!(
                facts["used"].is_string() && facts["resetAt"].is_string(),
                "{facts}"
            );
            assert!(order.header("retry-after").parse::<u64>().is_ok());
            assert!(
                order.header("ratelimit").contains("r=0"),
                "{:?}",
                order.headers
            );
            assert!(!order.header("ratelimit-policy").is_empty());
        }
        for order in accepted {
            let id = order.json()["id"].as_str().unwrap().to_owned();
            assert_eq!(user.finished(&id).await["status"], "COMPLETED");
        }
        user.settled(5).await;
        let quota = user.quota().await;
        assert_eq!(
            (&quota["limit"], &quota["remaining"]),
            (&json!(5), &json!(0))
        );
        assert!(quota["resetAt"].as_str().unwrap().ends_with('Z'));
        app.stop().await;
    }
}

#[tokio::test]
async fn cancelled_work_gives_its_unit_back() {
    // No workers: what is ordered stays pending.
    let app = App::start_with(&[("BOTTEGA_GENERATION_WORKERS", "0")]).await;
    let user = app.user().await;
    let id = user.generate("never drawn").await;
    assert_eq!(user.quota().await["reserved"], 1);
    let cancel = format!("/v1/generations/{id}:cancel");
    let cancelled = user.post(&cancel, &json!({})).await.expect(200).json();
    assert_eq!(cancelled["status"], "CANCELLED");
    assert_eq!(
        user.post(&cancel, &json!({})).await.expect(200).json()["status"],
        "CANCELLED"
    );
    user.settled(0).await;
    assert_eq!(user.quota().await["remaining"], 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_at_the_last_moment_gives_no_free_picture() {
    let app = App::start_with(&[("BOTTEGA_USAGE_PLANS", "free:100,basic:100,pro:100")]).await;
    let user = app.user().await;
    let mut completed = 0;
    for round in 0..40 {
        let id = user.generate(&format!("raced {round}")).await;
        tokio::time::sleep(std::time::Duration::from_millis(round * 2)).await;
        let cancel = format!("/v1/generations/{id}:cancel");
        let reply = user.post(&cancel, &json!({})).await;
        if reply.status == 200 {
            assert_eq!(reply.json()["status"], "CANCELLED");
        } else {
            reply.expect_error(409, "WRONG_STATE");
        }
        let ended = user.finished(&id).await;
        completed += i64::from(ended["status"] == "COMPLETED");
    }
    user.settled(completed).await;
    let files = user.get("/v1/files?pageSize=100").await.expect(200).json();
    let kept = files["files"].as_array().unwrap().len();
    assert_eq!(
        i64::try_from(kept),
        Ok(completed),
        "each kept picture is counted"
    );
}

#[tokio::test]
async fn refused_orders_cost_nothing() {
    let app = App::start().await;
    let user = app.user().await;
    for _ in 0..7 {
        let order = json!({"kind": "IMAGE", "image": {"prompt": ""}});
        user.post("/v1/generations", &order)
            .await
            .expect_field("image.prompt");
    }
    user.settled(0).await;
    assert_eq!(user.quota().await["remaining"], 5);
}

#[tokio::test]
async fn what_is_done_cannot_be_cancelled() {
    let app = App::start().await;
    let user = app.user().await;
    let id = user.generate("quick").await;
    user.finished(&id).await;
    let reply = user
        .post(&format!("/v1/generations/{id}:cancel"), &json!({}))
        .await;
    reply.expect_error(409, "WRONG_STATE");
}

#[tokio::test]
async fn tiers_are_configurable() {
    let app = App::start_with(&[("BOTTEGA_USAGE_PLANS", "free:1,basic:25,pro:100")]).await;
    let user = app.user().await;
    user.generate("the only one").await;
    user.order("one too many")
        .await
        .expect_error(429, "QUOTA_EXCEEDED");
}

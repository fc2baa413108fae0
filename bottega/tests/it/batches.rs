//! Batches through the whole suite: as many orders as are left, or none.

use serde_json::{Value, json};

use crate::app::{ADMIN, App, Reply, User};

async fn batch(user: &User, count: usize, all_or_nothing: bool) -> Reply {
    let order = |place: usize| {
        let image = json!({"prompt": format!("fox {place}"), "width": 64, "height": 64});
        json!({"kind": "IMAGE", "image": image})
    };
    let requests: Vec<Value> = (0..count).map(order).collect();
    let body = json!({"requests": requests, "allOrNothing": all_or_nothing});
    user.post("/v1/generations:batch", &body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_against_five_that_are_left_five_are_taken_or_none() {
    for app in [App::start().await, App::start_on_postgres().await] {
        let user = app.user().await;
        let refused = batch(&user, 100, true).await;
        let facts = refused.expect_error(429, "QUOTA_EXCEEDED");
        assert_eq!(facts["request"], "5", "{facts}");
        user.settled(0).await;
        let taken = batch(&user, 100, false).await.expect(202).json();
        assert_eq!(taken["refused"], 95, "{taken}");
        let results = taken["results"].as_array().unwrap();
        let accepted = &results[..5];
        assert!(
            accepted
                .iter()
                .all(|one| one["generation"]["id"].is_string())
        );
        let error = &results[5]["error"];
        assert_eq!(error["code"], 429, "{error}");
        assert_eq!(error["status"], "RESOURCE_EXHAUSTED");
        assert_eq!(error["details"][0]["reason"], "QUOTA_EXCEEDED");
        user.settled(5).await;
        let path = format!("/v1/batches/{}", taken["id"].as_str().unwrap());
        let ended = user.get(&path).await.expect(200).json();
        assert_eq!(ended["status"], "ENDED", "{ended}");
        assert_eq!(ended["completed"], 5);
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_pays_may_order_a_hundred_at_once_out_of_the_box() {
    // Nobody works: all of them wait.
    let app = App::start_with(&[ADMIN, ("BOTTEGA_GENERATION_WORKERS", "0")]).await;
    let (operator, user) = (app.operator().await, app.user().await);
    let path = format!("/v1/admin/users/{}", user.id);
    operator
        .patch(&path, &json!({"plan": "pro"}))
        .await
        .expect(200);
    let user = user.refreshed().await;
    let taken = batch(&user, 100, true).await.expect(202).json();
    assert_eq!(taken["running"], 100);
    app.stop().await;
}

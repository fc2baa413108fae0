//! What an operator does with curl, and what users notice of it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::app::{ADMIN, App, PaidProvider, Reply, User};

/// An order that costs five cents.
async fn order(user: &User) -> Reply {
    let image = json!({"prompt": "a paid picture", "width": 1024, "height": 1024});
    let order = json!({"kind": "IMAGE", "image": image});
    user.post("/v1/generations", &order).await
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_refuses_what_it_does_not_pay() {
    let provider = PaidProvider::start(Duration::ZERO).await;
    let app = App::start_with(&[
        ADMIN,
        ("BOTTEGA_PROVIDER_OPENAI_BASE_URL", &provider.url),
        ("BOTTEGA_PROVIDER_OPENAI_PRICE", "0.05"),
    ])
    .await;
    let (operator, user) = (app.operator().await, app.user().await);
    let unknown = app.get("/v1/admin/budgets").await;
    unknown.expect_error(401, "UNAUTHENTICATED");
    let denied = user.get("/v1/admin/budgets").await;
    denied.expect_error(403, "PERMISSION_DENIED");

    let budget = json!({
        "name": "everything", "scope": {"type": "GLOBAL"}, "window": "MONTH", "limit": 120_000,
    });
    let made = operator
        .post("/v1/admin/budgets", &budget)
        .await
        .expect(201)
        .json();
    assert_eq!(made["meter"], "MICROUSD");
    assert_eq!(made["alertPercents"], json!([50, 80, 100]));
    assert_eq!(
        (&made["hard"], &made["createdBy"]),
        (&json!(true), &json!(operator.id))
    );
    let again = operator.post("/v1/admin/budgets", &budget).await;
    again.expect_error(409, "ALREADY_EXISTS");

    for _ in 0..2 {
        let accepted = order(&user).await.expect(202).json();
        let done = user.finished(&text(&accepted["id"])).await;
        assert_eq!(done["status"], "COMPLETED", "{done}");
    }
    user.settled(2).await;
    let refused = order(&user).await;
    let facts = refused.expect_error(402, "BUDGET_EXCEEDED");
    assert_eq!(
        (&facts["scope"], &facts["limit"]),
        (&json!("global"), &json!("120000"))
    );
    // Nothing was sent, and the plan's unit is back.
    user.settled(2).await;
    assert_eq!(provider.orders(), 2);

    let path = format!("/v1/admin/budgets/{}", text(&made["id"]));
    let raised = operator
        .patch(&path, &json!({"limit": 150_000}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&raised["name"], &raised["limit"]),
        (&json!("everything"), &json!(150_000))
    );
    assert_eq!(raised["standing"]["used"], 100_000);
    order(&user).await.expect(202);
    user.settled(3).await;
    order(&user).await.expect_error(402, "BUDGET_EXCEEDED");
    operator.delete(&path).await.expect(200);
    operator.get(&path).await.expect_error(404, "NOT_FOUND");
    order(&user).await.expect(202);
    app.stop().await;
}

const SHOWN: [&str; 7] = [
    "name",
    "scope",
    "meter",
    "window",
    "limit",
    "hard",
    "alertPercents",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_that_are_absent_stay() {
    let app = App::start_with(&[ADMIN]).await;
    let operator = app.operator().await;
    let price = json!({
        "provider": "flux", "model": "fast", "unit": "IMAGE", "priceMicrousd": 0,
    });
    operator.post("/v1/admin/prices", &price).await.expect(201);
    let budget = json!({
        "name": "flux", "scope": {"type": "PROVIDER", "value": "flux"}, "meter": "GENERATIONS",
        "window": "DAY", "limit": 7, "soft": true, "alertPercents": [10, 20],
    });
    let made = operator
        .post("/v1/admin/budgets", &budget)
        .await
        .expect(201)
        .json();
    let path = format!("/v1/admin/budgets/{}", text(&made["id"]));
    let mut expected = made;
    for (change, name, value) in [
        (json!({"name": ""}), "name", json!("")),
        (json!({"limit": 0}), "limit", json!(0)),
        (json!({"soft": false}), "hard", json!(true)),
        (
            json!({"alertPercents": [5, 1_000]}),
            "alertPercents",
            json!([5, 1_000]),
        ),
        (json!({}), "name", json!("")),
    ] {
        let changed = operator.patch(&path, &change).await.expect(200).json();
        expected[name] = value;
        for field in SHOWN {
            assert_eq!(changed[field], expected[field], "{field} after {change}");
        }
    }
    // What is left out is not taken for nothing.
    for (path, mut body, field) in [
        ("/v1/admin/budgets", budget, "limit"),
        ("/v1/admin/prices", price, "priceMicrousd"),
    ] {
        body.as_object_mut().unwrap().remove(field);
        operator.post(path, &body).await.expect_field(field);
    }
    for (body, field) in [
        (json!({"limit": -1}), "limit"),
        (json!({"limit": 1.5}), "limit"),
        (json!({"alertPercents": [2, 1]}), "alertPercents"),
        (json!({"soft": "yes"}), "soft"),
    ] {
        let refused = operator.patch(&path, &body).await;
        refused.expect_field(field);
    }
    let listed = operator
        .get("/v1/admin/budgets?pageSize=1")
        .await
        .expect(200)
        .json();
    assert_eq!(listed["budgets"][0]["id"], expected["id"]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plans_and_corrections() {
    let app = App::start_with(&[ADMIN]).await;
    let (operator, user) = (app.operator().await, app.user().await);
    let id = user.generate("the first").await;
    user.finished(&id).await;
    user.settled(1).await;

    let limit =
        |limit| json!({"limits": [{"meter": "GENERATIONS", "window": "MONTH", "limit": limit}]});
    let put = operator
        .put("/v1/admin/plans/free", &limit(1))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&put["name"], &put["configured"]),
        (&json!("free"), &json!(false))
    );
    user.order("one too many")
        .await
        .expect_error(429, "QUOTA_EXCEEDED");
    let wrong = json!({"limits": [{"meter": "GENERATIONS", "window": "WEEK", "limit": 1}]});
    let refused = operator.put("/v1/admin/plans/free", &wrong).await;
    refused.expect_field("limits[0].window");

    let gift = json!({
        "operationId": "019a9f1e-7c1b-7d3a-8f55-0c1d2e3f4a5b", "ownerId": user.id, "tier": "free",
        "meter": "GENERATIONS", "amount": -1, "note": "the first was black",
    });
    for _ in 0..2 {
        let made = operator
            .post("/v1/admin/adjustments", &gift)
            .await
            .expect(201)
            .json();
        assert_eq!(made["amount"], -1);
    }
    let id = user.generate("again").await;
    user.finished(&id).await;
    user.settled(2).await;
    user.order("one too many")
        .await
        .expect_error(429, "QUOTA_EXCEEDED");
    operator.delete("/v1/admin/plans/free").await.expect(200);
    user.order("back to five").await.expect(202);

    let audit = operator.get("/v1/admin/audit").await.expect(200).json();
    let actions = audit["events"].as_array().unwrap().iter();
    let actions: Vec<_> = actions.map(|event| text(&event["action"])).collect();
    assert_eq!(actions, ["plan.delete", "adjustment.create", "plan.put"]);
    app.stop().await;
}

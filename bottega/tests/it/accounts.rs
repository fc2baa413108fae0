//! What an operator does with other people's accounts, over HTTP.

use serde_json::json;

use crate::app::{ADMIN, App, Reply};

const NOBODY: &str = "/v1/admin/users/0199a8c0-0000-7000-8000-000000000000";

#[tokio::test]
async fn an_operator_finds_a_user_and_moves_it_to_another_plan() {
    let app = App::start_with(&[ADMIN]).await;
    let operator = app.operator().await;
    let user = app.user().await;
    let by_email = format!("/v1/admin/users?email={}", user.email);
    let found = operator.get(&by_email).await.expect(200).json();
    assert_eq!(found["users"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["users"][0]["id"], user.id);
    let all = operator.get("/v1/admin/users?pageSize=1").await.expect(200);
    let next = all.json()["nextPageToken"].as_str().unwrap().to_owned();
    let next = format!("/v1/admin/users?pageSize=1&pageToken={next}");
    let last = operator.get(&next).await.expect(200).json();
    assert_eq!(last["users"][0]["id"], operator.id, "{last}");

    let account = format!("/v1/admin/users/{}", user.id);
    for (plan, tier) in [("pro", "PRO"), ("team", "TIER_UNSPECIFIED")] {
        let moved = operator.patch(&account, &json!({"plan": plan})).await;
        let moved = moved.expect(200).json();
        assert_eq!(
            (&moved["plan"], &moved["tier"]),
            (&json!(plan), &json!(tier))
        );
        assert_eq!(operator.get(&account).await.expect(200).json(), moved);
        assert_eq!(user.get("/v1/users/me").await.expect(200).json(), moved);
    }
    let audit = operator.get(&format!("{account}/audit")).await.expect(200);
    let audit = audit.json();
    let events = audit["events"].as_array().unwrap();
    assert_eq!(events.len(), 2, "{audit}");
    assert_eq!(events[0]["actor"], operator.id);
    assert_eq!(
        (&events[0]["before"], &events[0]["after"]),
        (&json!(r#"{"plan":"pro"}"#), &json!(r#"{"plan":"team"}"#))
    );
    app.stop().await;
}

#[tokio::test]
async fn nobody_else_does_and_what_is_wrong_is_named() {
    let app = App::start_with(&[ADMIN]).await;
    let operator = app.operator().await;
    let user = app.user().await;
    let account = format!("/v1/admin/users/{}", user.id);
    let audit = format!("{account}/audit");
    for path in ["/v1/admin/users", &account, &audit] {
        app.get(path).await.expect_error(401, "UNAUTHENTICATED");
        user.get(path).await.expect_error(403, "PERMISSION_DENIED");
    }
    let pro = json!({"plan": "pro"});
    let reply = user.patch(&account, &pro).await;
    reply.expect_error(403, "PERMISSION_DENIED");
    let request = app.http.patch(format!("{}{account}", app.url)).json(&pro);
    Reply::of(request)
        .await
        .expect_error(401, "UNAUTHENTICATED");
    let me = user.get("/v1/users/me").await.expect(200).json();
    assert_eq!(me["plan"], "free");

    let reply = operator.patch(NOBODY, &pro).await;
    reply.expect_error(404, "NOT_FOUND");
    for path in [NOBODY, &format!("{NOBODY}/audit")] {
        operator.get(path).await.expect_error(404, "NOT_FOUND");
    }
    for wrong in [
        json!({}),
        json!({"plan": null}),
        json!({"plan": ""}),
        json!({"plan": "Pro"}),
        json!({"plan": "x".repeat(33)}),
        json!({"plan": 7}),
    ] {
        operator.patch(&account, &wrong).await.expect_field("plan");
    }
    let role = json!({"plan": "pro", "role": "ADMIN"});
    operator.patch(&account, &role).await.expect_field("role");
    for (path, field) in [
        ("/v1/admin/users/me", "id"),
        ("/v1/admin/users/me/audit", "id"),
        ("/v1/admin/users?email=ada", "email"),
        ("/v1/admin/users?pageSize=101", "pageSize"),
        ("/v1/admin/users?pageToken=what", "pageToken"),
        ("/v1/admin/users?name=ada", "name"),
    ] {
        operator.get(path).await.expect_field(field);
    }
    assert_eq!(user.get("/v1/users/me").await.expect(200).json(), me);
    app.stop().await;
}

#[tokio::test]
async fn another_plan_counts_after_a_refresh() {
    for app in [
        App::start_with(&[ADMIN]).await,
        App::start_on_postgres_with(&[ADMIN]).await,
    ] {
        let operator = app.operator().await;
        let user = app.user().await;
        assert_eq!(user.quota().await["limit"], 5);
        let account = format!("/v1/admin/users/{}", user.id);
        let moved = operator.patch(&account, &json!({"plan": "pro"})).await;
        moved.expect(200);
        assert_eq!(user.quota().await["limit"], 5, "the old token says free");
        let user = user.refreshed().await;
        assert_eq!(user.quota().await["limit"], 100);

        let moved = operator.patch(&account, &json!({"plan": "nowhere"})).await;
        moved.expect(200);
        let reply = user.refreshed().await.order("on no plan").await;
        reply.expect_error(409, "WRONG_STATE");
        app.stop().await;
    }
}

//! Who may call, and what the services are told of a request.

use reqwest::Method;
use types::UserId;
use uuid::Uuid;

use crate::house::{House, refused};

#[tokio::test]
async fn a_token_is_asked_for_and_verified() {
    let house = House::open().await;
    let none = house
        .anonymous(Method::GET, "/v1/users/me")
        .send()
        .await
        .unwrap();
    assert_eq!(none.headers()["www-authenticate"], "Bearer");
    refused(none, 401, "UNAUTHENTICATED").await;
    let stranger = testkit::TestIssuer::new().user_token(UserId(Uuid::now_v7()), "free");
    for token in ["", "what", stranger.as_str()] {
        let request = house
            .anonymous(Method::GET, "/v1/users/me")
            .bearer_auth(token);
        refused(request.send().await.unwrap(), 401, "UNAUTHENTICATED").await;
    }
    let mine = house.get("/v1/users/me").send().await.unwrap();
    assert_eq!(mine.status(), 200);
    let user: serde_json::Value = mine.json().await.unwrap();
    assert_eq!(user["id"], house.user.to_string());
}

#[tokio::test]
async fn services_do_not_come_this_way() {
    let house = House::open().await;
    let token = house.issuer.service_token("generation");
    let request = house.anonymous(Method::GET, "/v1/files").bearer_auth(token);
    let request = request.header("x-bottega-owner", house.user.to_string());
    refused(request.send().await.unwrap(), 403, "PERMISSION_DENIED").await;
    let reserve = house.post("/v1/usage:reserve").send().await.unwrap();
    refused(reserve, 404, "UNKNOWN_ROUTE").await;
}

#[tokio::test]
async fn a_public_rpc_is_not_told_the_token() {
    let house = House::open().await;
    let request = house
        .anonymous(Method::POST, "/v1/auth/login")
        .bearer_auth("long expired");
    let request = request.json(&serde_json::json!({"email": "a@b.c", "password": "x"}));
    let error = refused(request.send().await.unwrap(), 401, "INVALID_CREDENTIALS").await;
    assert_eq!(error["status"], "UNAUTHENTICATED");
}

#[tokio::test]
async fn services_are_told_what_is_on_the_list_and_nothing_else() {
    let house = House::open().await;
    let mut request = house.get("/v1/files/f-1");
    for (name, value) in [
        ("x-request-id", "from-the-client"),
        ("accept-language", "de"),
        (
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ),
        ("x-bottega-owner", "somebody-else"),
        ("x-bottega-reservation", "forged"),
        ("x-user-id", "somebody-else"),
        ("grpc-status", "0"),
        ("cookie", "a=b"),
    ] {
        request = request.header(name, value);
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["x-request-id"], "from-the-client");
    let seen = house.file.metadata.lock().clone();
    assert_eq!(seen["x-request-id"], "from-the-client");
    assert_eq!(seen["accept-language"], "de");
    assert!(seen["authorization"].starts_with("Bearer "));
    assert!(seen.contains_key("grpc-timeout") && seen.contains_key("traceparent"));
    let leaked = seen.keys().find(|name| {
        name.starts_with("x-bottega")
            || ["x-user-id", "cookie", "grpc-status"].contains(&name.as_str())
    });
    assert_eq!(leaked, None);
}

#[tokio::test]
async fn a_request_always_has_an_id() {
    let house = House::open().await;
    let made = house.get("/v1/files/f-1").send().await.unwrap();
    let id = made.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(Uuid::parse_str(&id).unwrap().get_version_num(), 7);
    let insane = house
        .get("/v1/nothing")
        .header("x-request-id", "a b\"c")
        .send()
        .await
        .unwrap();
    assert_ne!(insane.headers()["x-request-id"], "a b\"c");
    refused(insane, 404, "UNKNOWN_ROUTE").await;
}

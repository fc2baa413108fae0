//! Limits of requests over time, and what answers say of them.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::json;

use crate::house::{House, refused};

const ON: (&str, &str) = ("BOTTEGA_RATE_LIMITS", "on");

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    let value = answer.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

async fn refresh(house: &House) -> Response {
    let request = house.anonymous(Method::POST, "/v1/auth/refresh").body("{}");
    request.send().await.unwrap()
}

async fn files(house: &House) -> Response {
    house.get("/v1/files").send().await.unwrap()
}

#[tokio::test]
async fn an_address_has_a_hundred_sign_ins_and_users_have_their_own() {
    let house = House::with(&[ON]).await;
    for left in (0..100).rev() {
        let answer = refresh(&house).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(
            header(&answer, "ratelimit-policy"),
            "\"anonymous-15m\";q=100;w=900"
        );
        let state = header(&answer, "ratelimit");
        assert!(
            state.starts_with(&format!("\"anonymous-15m\";r={left};t=")),
            "{state}"
        );
        assert_eq!(header(&answer, "x-ratelimit-mode"), "local");
    }
    let over = refresh(&house).await;
    let wait: u64 = header(&over, "retry-after").parse().unwrap();
    assert!((1..=9).contains(&wait), "{wait}");
    let state = header(&over, "ratelimit").to_owned();
    assert_eq!(state, format!("\"anonymous-15m\";r=0;t={wait}"));
    let error = refused(over, 429, "RATE_LIMITED").await;
    assert_eq!(
        error["details"][1]["@type"],
        "type.googleapis.com/google.rpc.RetryInfo"
    );
    assert_eq!(files(&house).await.status(), 200);
}

#[tokio::test]
async fn a_user_has_ten_a_second_and_a_hundred_a_minute_both_or_none() {
    let house = House::with(&[ON]).await;
    let answers = futures::future::join_all((0..40).map(|_| files(&house))).await;
    let passed = answers
        .iter()
        .filter(|answer| answer.status() == 200)
        .count();
    let over: Vec<&Response> = answers.iter().filter(|one| one.status() == 429).collect();
    // A tenth of a second brings one back.
    assert!((10..=20).contains(&passed), "{passed} passed");
    assert_eq!(over.len(), 40 - passed);
    let policy = "\"user-1s\";q=10;w=1, \"user-1m\";q=100;w=60";
    for answer in &answers {
        assert_eq!(header(answer, "ratelimit-policy"), policy);
    }
    // The refused did not take from the minute.
    let state = header(over[0], "ratelimit");
    let (second, minute) = state.split_once(", ").unwrap();
    assert_eq!(second, "\"user-1s\";r=0;t=1");
    let left: usize = minute.split([';', '=']).nth(2).unwrap().parse().unwrap();
    assert!((100 - passed..=91).contains(&left), "{state}");

    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        files(&house).await.status(),
        200,
        "after Retry-After it passes"
    );
    let somebody_else = house
        .issuer
        .user_token(types::UserId(uuid::Uuid::now_v7()), "free");
    let request = house
        .anonymous(Method::GET, "/v1/files")
        .bearer_auth(somebody_else);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn tokens_that_are_refused_count_for_the_address() {
    let house = House::with(&[ON, ("BOTTEGA_RATE_ANONYMOUS", "3/1h")]).await;
    for left in (0..3).rev() {
        let request = house
            .anonymous(Method::GET, "/v1/files")
            .bearer_auth("a guess");
        let answer = request.send().await.unwrap();
        let state = header(&answer, "ratelimit").to_owned();
        assert!(
            state.starts_with(&format!("\"anonymous-1h\";r={left};")),
            "{state}"
        );
        refused(answer, 401, "UNAUTHENTICATED").await;
    }
    let none = house
        .anonymous(Method::GET, "/v1/files")
        .send()
        .await
        .unwrap();
    refused(none, 429, "RATE_LIMITED").await;
    assert_eq!(
        refresh(&house).await.status(),
        429,
        "signing in counts there too"
    );
    assert_eq!(files(&house).await.status(), 200, "a good token does not");
}

#[tokio::test]
async fn a_class_of_rpcs_may_have_limits_of_its_own() {
    let house = House::with(&[
        ON,
        ("BOTTEGA_RATE_USER", "off"),
        ("BOTTEGA_RATE_READ", "2/1h"),
    ])
    .await;
    for _ in 0..2 {
        assert_eq!(files(&house).await.status(), 200);
    }
    let over = files(&house).await;
    assert_eq!(header(&over, "ratelimit-policy"), "\"read-1h\";q=2;w=3600");
    refused(over, 429, "RATE_LIMITED").await;
    let order = json!({"kind": "IMAGE", "image": {"prompt": "a fox"}});
    let written = house
        .post("/v1/generations")
        .json(&order)
        .send()
        .await
        .unwrap();
    assert_eq!(written.status(), 202, "writes are another class");
}

#[tokio::test]
async fn limits_and_quota_stand_in_one_list() {
    let house = House::with(&[ON, ("BOTTEGA_RATE_USER", "50/min")]).await;
    let order = |prompt: &str| {
        let body = json!({"kind": "IMAGE", "image": {"prompt": prompt}});
        house.post("/v1/generations").json(&body).send()
    };
    let both = "\"generations-month\";q=5;w=2592000, \"user-1m\";q=50;w=60";
    for expected in [202, 202, 202, 202, 202, 429] {
        let answer = order("a fox").await.unwrap();
        assert_eq!(answer.status(), expected);
        assert_eq!(header(&answer, "ratelimit-policy"), both);
        assert!(header(&answer, "ratelimit").contains("\"user-1m\";r=4"));
    }
    // Refused before anything was reserved, and by a path that is malformed.
    let bad = house
        .post("/v1/generations")
        .body("{")
        .send()
        .await
        .unwrap();
    assert_eq!(bad.status(), 400);
    assert_eq!(header(&bad, "ratelimit-policy"), "\"user-1m\";q=50;w=60");
    let late = house
        .get("/v1/files")
        .header("grpc-timeout", "soon")
        .send()
        .await
        .unwrap();
    assert_eq!(late.status(), 400);
    assert_eq!(header(&late, "ratelimit-policy"), "\"user-1m\";q=50;w=60");
}

#[tokio::test]
async fn a_refusal_by_the_auth_service_is_not_explained_by_the_address() {
    let house = House::with(&[ON]).await;
    let body = json!({"email": "throttled@b.c", "password": "x"});
    let request = house.anonymous(Method::POST, "/v1/auth/login").json(&body);
    let answer = request.send().await.unwrap();
    assert_eq!(header(&answer, "retry-after"), "77");
    assert_eq!(header(&answer, "ratelimit"), "");
    assert_eq!(header(&answer, "ratelimit-policy"), "");
    refused(answer, 429, "RATE_LIMITED").await;
}

#[tokio::test]
async fn an_event_stream_counts_once() {
    let house = House::with(&[ON, ("BOTTEGA_RATE_USER", "3/1h")]).await;
    let events = house
        .get("/v1/generations/g-1/events")
        .send()
        .await
        .unwrap();
    assert_eq!(events.status(), 200);
    assert!(header(&events, "ratelimit").starts_with("\"user-1h\";r=2;"));
    let _ = events.text().await.unwrap();
    assert!(header(&files(&house).await, "ratelimit").starts_with("\"user-1h\";r=1;"));
}

#[tokio::test]
async fn services_are_not_limited_as_users() {
    let house = House::with(&[
        ON,
        ("BOTTEGA_RATE_USER", "1/1h"),
        ("BOTTEGA_RATE_ANONYMOUS", "1/1h"),
    ])
    .await;
    for _ in 0..3 {
        let token = house.issuer.service_token("generation");
        let request = house.anonymous(Method::GET, "/v1/files").bearer_auth(token);
        let request = request.header("x-bottega-owner", house.user.to_string());
        let answer = request.send().await.unwrap();
        assert_eq!(header(&answer, "ratelimit"), "");
        refused(answer, 403, "PERMISSION_DENIED").await;
    }
}

#[tokio::test]
async fn rate_limits_can_be_off() {
    let house = House::with(&[("BOTTEGA_RATE_LIMITS", "off")]).await;
    for _ in 0..101 {
        let answer = refresh(&house).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(header(&answer, "x-ratelimit-mode"), "");
    }
}

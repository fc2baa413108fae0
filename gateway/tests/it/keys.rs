//! API keys: what stands for them behind the gateway, how often auth is asked, and how soon one that was
//! revoked is refused.

use std::time::{Duration, Instant};

use contracts::file::v1::GetFileRequest;
use contracts::file::v1::file_service_client::FileServiceClient;
use futures::future::join_all;
use prost::Message;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::time::sleep;
use tonic::{Code, Request};
use types::UserId;
use uuid::Uuid;

use crate::fakes::keys::Mood;
use crate::house::{House, refused};
use crate::rpc::{GET_FILE, channel, opened, seal};

const READ: &[&str] = &["files:read"];

fn trust(span: &'static str) -> [(&'static str, &'static str); 1] {
    [("BOTTEGA_GATEWAY_API_KEY_TRUST", span)]
}

fn file(house: &House, key: &str) -> RequestBuilder {
    let request = house.anonymous(Method::GET, "/v1/files/f-1");
    request.bearer_auth(key)
}

async fn status(house: &House, key: &str) -> u16 {
    file(house, key).send().await.unwrap().status().as_u16()
}

fn asked(house: &House) -> usize {
    house.keys.asked.lock().len()
}

#[tokio::test]
async fn a_key_stands_for_its_owner_in_every_protocol() {
    let house = House::open().await;
    let (key, _) = house.keys.make(house.user, READ);
    let rest = house.anonymous(Method::GET, "/v1/files/f-1");
    let connect = house.anonymous(Method::POST, GET_FILE);
    let connect = connect.json(&json!({"id": "f-1"}));
    for request in [rest, connect] {
        for (name, value) in [
            ("authorization", format!("bearer {key}")),
            ("x-api-key", key.clone()),
        ] {
            let request = request.try_clone().unwrap().header(name, value);
            assert_eq!(request.send().await.unwrap().status(), 200);
            let seen = house.file.metadata.lock().clone();
            assert!(seen["authorization"].starts_with("Bearer ey"), "{seen:?}");
            assert!(!format!("{seen:?}").contains(&key[..8]), "{seen:?}");
        }
    }
    let message = GetFileRequest {
        id: "f-1".to_owned(),
    };
    let web = house
        .anonymous(Method::POST, GET_FILE)
        .header("x-api-key", &key);
    let web = web.header("content-type", "application/grpc-web+proto");
    let web = web.body(seal(0, &message.encode_to_vec()));
    let frames = opened(web.send().await.unwrap(), "application/grpc-web+proto").await;
    assert_eq!(frames.len(), 2);

    let mut files = FileServiceClient::new(channel(&house).await);
    let mut request = Request::new(message);
    let metadata = request.metadata_mut();
    metadata.insert("x-api-key", key.parse().unwrap());
    files.get_file(request).await.unwrap();
    let mut request = Request::new(GetFileRequest::default());
    let wrong = format!("{key}0").parse().unwrap();
    request.metadata_mut().insert("x-api-key", wrong);
    let refused = files.get_file(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert_eq!(asked(&house), 1, "one question for all");
}

#[tokio::test]
async fn of_many_at_once_one_asks() {
    let house = House::open().await;
    let (good, _) = house.keys.make(house.user, READ);
    let (bad, _) = house.keys.make(house.user, READ);
    house.keys.revoke(&bad);
    for (key, wanted) in [(&good, 200), (&bad, 401)] {
        let before = asked(&house);
        let answers = join_all((0..50).map(|_| status(&house, key))).await;
        assert!(
            answers.iter().all(|status| *status == wanted),
            "{answers:?}"
        );
        assert_eq!(asked(&house) - before, 1);
    }
}

#[tokio::test]
async fn what_is_no_key_is_refused_without_a_question() {
    let house = House::open().await;
    let (key, _) = house.keys.make(house.user, READ);
    let twisted = format!(
        "{}{}",
        &key[..39],
        if key.ends_with('a') { 'b' } else { 'a' }
    );
    for wrong in ["btg_", &key[..39], &twisted, &format!("{key}0")] {
        let answer = file(&house, wrong).send().await.unwrap();
        assert_eq!(answer.headers()["www-authenticate"], "Bearer");
        refused(answer, 401, "UNAUTHENTICATED").await;
    }
    let request = house.anonymous(Method::GET, "/v1/files/f-1");
    for wrong in ["", "what", "btg_x"] {
        let request = request.try_clone().unwrap().header("x-api-key", wrong);
        refused(request.send().await.unwrap(), 401, "UNAUTHENTICATED").await;
    }
    // One of two would be believed, and the other not even looked at.
    let both = house.get("/v1/files/f-1").header("x-api-key", &key);
    refused(both.send().await.unwrap(), 401, "UNAUTHENTICATED").await;
    let basic = request.header("x-api-key", &key);
    let basic = basic.header("authorization", "Basic YTpi");
    refused(basic.send().await.unwrap(), 401, "UNAUTHENTICATED").await;
    // Addresses are logged everywhere.
    let url = format!("/v1/files?key={key}");
    refused(
        house.get(&url).send().await.unwrap(),
        400,
        "INVALID_REQUEST",
    )
    .await;
    let url = house.anonymous(Method::GET, &url);
    refused(url.send().await.unwrap(), 401, "UNAUTHENTICATED").await;
    // Nobody asks who comes to a public rpc.
    let refresh = house.anonymous(Method::POST, "/v1/auth/refresh").body("{}");
    let refresh = refresh.header("x-api-key", &key);
    assert_eq!(refresh.send().await.unwrap().status(), 200);
    assert_eq!(asked(&house), 0);
}

#[tokio::test]
async fn a_revoked_key_is_refused_within_the_trust_on_every_gateway() {
    let house = House::with(&trust("400ms")).await;
    let other = house.another_gateway().await;
    let (key, _) = house.keys.make(house.user, READ);
    let there = format!("http://{other}/v1/files/f-1");
    let elsewhere = || house.client.get(&there).bearer_auth(&key).send();
    assert_eq!(status(&house, &key).await, 200);
    assert_eq!(elsewhere().await.unwrap().status(), 200);
    house.keys.revoke(&key);
    let revoked = Instant::now();
    let mut last = [revoked; 2];
    while revoked.elapsed() < Duration::from_secs(1) {
        for (place, status) in [
            status(&house, &key).await,
            elsewhere().await.unwrap().status().as_u16(),
        ]
        .into_iter()
        .enumerate()
        {
            if status == 200 {
                last[place] = Instant::now();
            }
        }
        sleep(Duration::from_millis(10)).await;
    }
    for last in last {
        let late = last.duration_since(revoked);
        assert!(late < Duration::from_millis(600), "{late:?}");
    }
    // What is known of it is forgotten as soon.
    let (again, _) = house.keys.make(house.user, READ);
    house.keys.revoke(&again);
    assert_eq!(status(&house, &again).await, 401);
}

// Red when the trust is counted from the answer: what was said may have been long true by then.
#[tokio::test]
async fn the_trust_begins_before_the_question() {
    let house = House::with(&trust("1s")).await;
    let (key, _) = house.keys.make(house.user, READ);
    *house.keys.mood.lock() = Mood::Dawdles(Duration::from_millis(800));
    let first = async {
        assert_eq!(status(&house, &key).await, 200);
    };
    let revoked = async {
        while asked(&house) == 0 {
            sleep(Duration::from_millis(5)).await;
        }
        sleep(Duration::from_millis(30)).await;
        house.keys.revoke(&key);
        *house.keys.mood.lock() = Mood::Answers;
        Instant::now()
    };
    let ((), revoked) = tokio::join!(first, revoked);
    let mut last = revoked;
    while revoked.elapsed() < Duration::from_millis(2_200) {
        if status(&house, &key).await == 200 {
            last = Instant::now();
        }
        sleep(Duration::from_millis(20)).await;
    }
    let late = last.duration_since(revoked);
    assert!(late < Duration::from_millis(1_300), "{late:?}");
}

#[tokio::test]
async fn a_key_in_use_outlasts_auth_for_as_long_as_its_token() {
    let house = House::with(&trust("100ms")).await;
    *house.keys.life.lock() = 4;
    let (key, _) = house.keys.make(house.user, READ);
    let begun = Instant::now();
    assert_eq!(status(&house, &key).await, 200);
    for mood in [Mood::Fails, Mood::Distrusts, Mood::Hangs] {
        *house.keys.mood.lock() = mood;
        sleep(Duration::from_millis(120)).await;
        let answers = join_all((0..10).map(|_| status(&house, &key))).await;
        assert_eq!(answers, [200; 10], "{mood:?}");
    }
    *house.keys.mood.lock() = Mood::Fails;
    sleep(Duration::from_secs(5).saturating_sub(begun.elapsed())).await;
    let over = file(&house, &key).send().await.unwrap();
    refused(over, 503, "UNAVAILABLE").await;
    *house.keys.mood.lock() = Mood::Answers;
    sleep(Duration::from_millis(600)).await;
    assert_eq!(status(&house, &key).await, 200);
}

#[tokio::test]
async fn a_key_is_not_blamed_for_what_ails_auth() {
    let house = House::open().await;
    let (key, _) = house.keys.make(house.user, READ);
    for mood in [Mood::Fails, Mood::Distrusts] {
        *house.keys.mood.lock() = mood;
        let answer = file(&house, &key).send().await.unwrap();
        refused(answer, 503, "UNAVAILABLE").await;
        sleep(Duration::from_millis(600)).await;
    }
    *house.keys.mood.lock() = Mood::Answers;
    assert_eq!(status(&house, &key).await, 200);
}

#[tokio::test]
async fn a_key_may_what_its_scopes_say() {
    let house = House::open().await;
    let (key, _) = house.keys.make(house.user, READ);
    let send = |method: Method, path: &str| {
        let request = house.anonymous(method, path).bearer_auth(&key);
        request.send()
    };
    assert_eq!(send(Method::GET, "/v1/files").await.unwrap().status(), 200);
    for (method, path, lacks) in [
        (Method::DELETE, "/v1/files/f-1", Some("files:write")),
        (Method::GET, "/v1/usage", Some("usage:read")),
        (Method::GET, "/v1/api-keys", None),
        (Method::PATCH, "/v1/users/me", None),
    ] {
        let answer = send(method, path).await.unwrap();
        let error = refused(answer, 403, "PERMISSION_DENIED").await;
        let scope = error["details"][0]["metadata"]["scope"].as_str();
        assert_eq!(scope, lacks, "{path}");
    }
    let admin = send(Method::GET, "/v1/admin/users").await.unwrap();
    refused(admin, 403, "PERMISSION_DENIED").await;
    assert_eq!(
        house.get("/v1/api-keys").send().await.unwrap().status(),
        200
    );
}

#[tokio::test]
async fn a_reservation_names_the_key() {
    let house = House::open().await;
    let (key, id) = house.keys.make(house.user, &["generations:write"]);
    let order = house.anonymous(Method::POST, "/v1/generations");
    let order = order.header("x-api-key", &key);
    let order = order.json(&json!({"kind": "IMAGE", "image": {"prompt": "a fox"}}));
    assert_eq!(order.send().await.unwrap().status(), 202);
    let (_, reserved, _) = house.usage.reserved.lock()[0].clone();
    assert_eq!(reserved.purpose.unwrap().api_key_id, id.to_string());
    assert_eq!(reserved.owner_id, house.user.to_string());
}

#[tokio::test]
async fn each_key_has_a_limit_of_its_own_within_its_owners() {
    let house = House::with(&[
        ("BOTTEGA_RATE_LIMITS", "on"),
        ("BOTTEGA_RATE_USER", "7/h"),
        ("BOTTEGA_RATE_API_KEY", "3/h"),
    ])
    .await;
    let policy = |answer: &Response| {
        let value = &answer.headers()["ratelimit-policy"];
        value.to_str().unwrap().to_owned()
    };
    let (one, _) = house.keys.make(house.user, READ);
    let (two, _) = house.keys.make(house.user, READ);
    let (stranger, _) = house.keys.make(UserId(Uuid::now_v7()), READ);
    for key in [&one, &two] {
        for _ in 0..3 {
            let answer = file(&house, key).send().await.unwrap();
            let said = policy(&answer);
            assert!(
                said.contains("\"api_key-1h\";q=3") && said.contains("\"user-1h\";q=7"),
                "{said}"
            );
            assert_eq!(answer.status(), 200);
        }
        let over = file(&house, key).send().await.unwrap();
        refused(over, 429, "RATE_LIMITED").await;
    }
    // The owner has one left, with whatever credential.
    let mine = house.get("/v1/files").send().await.unwrap();
    assert!(!policy(&mine).contains("api_key"));
    assert_eq!(mine.status(), 200);
    let over = house.get("/v1/files").send().await.unwrap();
    refused(over, 429, "RATE_LIMITED").await;
    assert_eq!(status(&house, &stranger).await, 200);
}

#[tokio::test]
async fn the_document_names_keys_and_what_they_need() {
    let house = House::open().await;
    let document = house.anonymous(Method::GET, "/openapi.json").send().await;
    let document: Value = document.unwrap().json().await.unwrap();
    let scheme = &document["components"]["securitySchemes"]["apiKey"];
    assert_eq!(
        (&scheme["in"], &scheme["name"]),
        (&json!("header"), &json!("X-Api-Key"))
    );
    let security = |path: &str, method: &str| &document["paths"][path][method]["security"];
    assert_eq!(
        security("/v1/files", "get"),
        &json!([{"bearer": []}, {"apiKey": ["files:read"]}])
    );
    assert_eq!(security("/v1/api-keys", "post"), &json!([{"bearer": []}]));
    assert_eq!(security("/v1/auth/login", "post"), &json!([]));
}

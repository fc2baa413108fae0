//! Connect without streams: JSON, bytes, GET, and errors in Connect's words.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contracts::file::v1::{GetFileRequest, GetFileResponse};
use prost::Message;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::{CREATE, GET_FILE, WATCH, call, seal};
use crate::house::House;

const JSON: &str = "application/json";
const PROTO: &str = "application/proto";

fn file(id: &str) -> String {
    json!({ "id": id }).to_string()
}

/// The error of an answer, which must have this status and name this code and reason.
async fn refused(answer: Response, status: u16, code: &str, reason: &str) -> Value {
    let found = answer.status();
    assert_eq!(answer.headers()["content-type"], JSON);
    assert!(answer.headers().contains_key("x-request-id"));
    let error: Value = answer.json().await.unwrap();
    assert_eq!(
        (found.as_u16(), &error["code"]),
        (status, &json!(code)),
        "{error}"
    );
    let info = &error["details"][0];
    assert_eq!(info["type"], "google.rpc.ErrorInfo", "{error}");
    assert_eq!(info["debug"]["reason"], reason, "{error}");
    error
}

#[tokio::test]
async fn json_and_bytes() {
    let house = House::open().await;
    let request = call(&house, GET_FILE, JSON, file("f-1"));
    let answer = request.header("connect-protocol-version", "1").send();
    let answer = answer.await.unwrap();
    assert_eq!(
        (
            answer.status().as_u16(),
            answer.headers()["content-type"].as_bytes()
        ),
        (200, JSON.as_bytes())
    );
    assert_eq!(
        answer.json::<Value>().await.unwrap(),
        json!({"file": {"id": "f-1"}})
    );
    let message = GetFileRequest { id: "f-2".into() }.encode_to_vec();
    let answer = call(&house, GET_FILE, PROTO, message).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], PROTO);
    let reply = GetFileResponse::decode(answer.bytes().await.unwrap()).unwrap();
    assert_eq!(reply.file.unwrap().id, "f-2");
    // As ProtoJSON has it: 64-bit integers are texts.
    let rpc = "/bottega.generation.v1.GenerationService/GetGeneration";
    let answer = call(&house, rpc, "application/json; charset=utf-8", file("g-1"));
    let answer: Value = answer.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["generation"]["costMicrousd"], "9007199254740");
}

#[tokio::test]
async fn what_changes_nothing_may_be_asked_by_get() {
    let house = House::open().await;
    let message = GetFileRequest { id: "f-2".into() }.encode_to_vec();
    let packed = URL_SAFE_NO_PAD.encode(message);
    let json = format!("{GET_FILE}?connect=v1&encoding=json&message=%7B%22id%22%3A%22f-1%22%7D");
    let proto = format!("{GET_FILE}?base64=1&encoding=proto&message={packed}");
    let answer: Value = house.get(&json).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["file"]["id"], "f-1");
    let answer = house.get(&proto).send().await.unwrap();
    let reply = GetFileResponse::decode(answer.bytes().await.unwrap()).unwrap();
    assert_eq!(reply.file.unwrap().id, "f-2");
    let head = house
        .anonymous(Method::HEAD, &json)
        .bearer_auth(house.token());
    assert_eq!(head.send().await.unwrap().status(), 200);
    let order = format!("{CREATE}?connect=v1&encoding=json&message=%7B%7D");
    let order = house.get(&order).send().await.unwrap();
    assert_eq!(order.headers()["allow"], "POST");
    refused(order, 405, "unimplemented", "METHOD_NOT_ALLOWED").await;
    let thrift = house.get(&format!("{GET_FILE}?encoding=thrift&message=a"));
    let thrift = thrift.send().await.unwrap();
    refused(thrift, 415, "invalid_argument", "UNSUPPORTED_MEDIA_TYPE").await;
}

#[tokio::test]
async fn errors_keep_their_details_and_their_status() {
    let house = House::open().await;
    let missing = call(&house, GET_FILE, JSON, file("missing")).send().await;
    refused(missing.unwrap(), 404, "not_found", "NOT_FOUND").await;
    let leaky = call(&house, GET_FILE, JSON, file("leaky")).send().await;
    let error = refused(leaky.unwrap(), 500, "internal", "INTERNAL").await;
    assert!(!error.to_string().contains("10.0.0.7"));
    let wrong = call(&house, GET_FILE, JSON, r#"{"identity":"f-1"}"#)
        .send()
        .await;
    let error = refused(wrong.unwrap(), 400, "invalid_argument", "INVALID_REQUEST").await;
    let violation = &error["details"][1]["debug"]["fieldViolations"][0];
    assert_eq!(violation["field"], "identity");
    let none = house
        .client
        .post(house.url(GET_FILE))
        .header("content-type", JSON);
    let none = none.body(file("f-1")).send().await.unwrap();
    refused(none, 401, "unauthenticated", "UNAUTHENTICATED").await;
    let hidden = "/bottega.usage.v1.UsageService/Reserve";
    let hidden = call(&house, hidden, JSON, "{}").send().await.unwrap();
    refused(hidden, 404, "unimplemented", "UNKNOWN_ROUTE").await;
    let late = call(&house, GET_FILE, JSON, file("slow")).header("connect-timeout-ms", "50");
    let late = late.send().await.unwrap();
    refused(late, 504, "deadline_exceeded", "DEADLINE_EXCEEDED").await;
}

#[tokio::test]
async fn what_is_not_spoken_is_refused() {
    let house = House::open().await;
    let text = call(&house, GET_FILE, "text/plain", "{}")
        .send()
        .await
        .unwrap();
    assert_eq!(
        text.headers()["accept-post"],
        "application/proto, application/json"
    );
    refused(text, 415, "invalid_argument", "UNSUPPORTED_MEDIA_TYPE").await;
    let stream = call(&house, WATCH, JSON, "{}").send().await.unwrap();
    refused(stream, 415, "invalid_argument", "UNSUPPORTED_MEDIA_TYPE").await;
    let unary = call(&house, GET_FILE, "application/connect+json", seal(0, b"{}"));
    let unary = unary.send().await.unwrap();
    refused(unary, 415, "invalid_argument", "UNSUPPORTED_MEDIA_TYPE").await;
    let packed = call(&house, GET_FILE, JSON, "{}").header("content-encoding", "gzip");
    let packed = packed.send().await.unwrap();
    assert_eq!(packed.headers()["accept-encoding"], "identity");
    refused(packed, 501, "unimplemented", "UNSUPPORTED_MEDIA_TYPE").await;
    for (name, value) in [
        ("connect-protocol-version", "2"),
        ("connect-timeout-ms", "soon"),
    ] {
        let wrong = call(&house, GET_FILE, JSON, file("f-1")).header(name, value);
        let wrong = wrong.send().await.unwrap();
        refused(wrong, 400, "invalid_argument", "INVALID_REQUEST").await;
    }
    let large = format!("{{\"id\":\"{}\"}}", "x".repeat(1024 * 1024));
    let large = call(&house, GET_FILE, JSON, large).send().await.unwrap();
    refused(large, 413, "out_of_range", "TOO_LARGE").await;
    let put = house.anonymous(Method::PUT, GET_FILE).send().await.unwrap();
    assert_eq!(put.headers()["allow"], "GET, HEAD, POST");
    refused(put, 405, "unimplemented", "METHOD_NOT_ALLOWED").await;
}

#[tokio::test]
async fn an_order_passes_the_same_steps() {
    let house = House::open().await;
    let body = json!({"kind": "IMAGE", "image": {"prompt": "a fox"}}).to_string();
    let order = || call(&house, CREATE, JSON, body.clone()).send();
    let made = order().await.unwrap();
    // The status of the JSON API is not Connect's.
    assert_eq!(made.status(), 200);
    assert!(
        made.headers()["ratelimit"]
            .to_str()
            .unwrap()
            .contains("r=4")
    );
    assert_eq!(house.usage.reserved.lock().len(), 1);
    assert!(house.generation.receipts.lock()[0].is_some());
    for _ in 0..4 {
        assert_eq!(order().await.unwrap().status(), 200);
    }
    let over = order().await.unwrap();
    assert!(over.headers().contains_key("retry-after"));
    refused(over, 429, "resource_exhausted", "QUOTA_EXCEEDED").await;
    let again = call(&house, CREATE, JSON, body.clone()).header("idempotency-key", "known");
    let again = again.send().await.unwrap();
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(
        again.json::<Value>().await.unwrap()["generation"]["id"],
        "g-0"
    );
}

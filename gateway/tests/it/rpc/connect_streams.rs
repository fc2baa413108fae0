//! Connect with streams: the last envelope says how it ended.

use contracts::generation::v1::{WatchGenerationRequest, WatchGenerationResponse};
use futures::StreamExt;
use prost::Message;
use serde_json::{Value, json};

use super::{CREATE_FILE, WATCH, call, opened, seal};
use crate::house::House;

const JSON: &str = "application/connect+json";
const PROTO: &str = "application/connect+proto";

fn text(frame: &(u8, Vec<u8>)) -> Value {
    serde_json::from_slice(&frame.1).unwrap()
}

fn watched(id: &str) -> bytes::Bytes {
    seal(0, json!({ "id": id }).to_string().as_bytes())
}

#[tokio::test]
async fn messages_and_then_the_end() {
    let house = House::open().await;
    let answer = call(&house, WATCH, JSON, watched("g-1")).send().await;
    let frames = opened(answer.unwrap(), JSON).await;
    assert_eq!(frames.len(), 4);
    assert_eq!(text(&frames[2])["event"]["sequence"], "3");
    assert_eq!((frames[3].0, text(&frames[3])), (2, json!({})));
    let id = "g-1".to_owned();
    let request = WatchGenerationRequest {
        id,
        after_sequence: 2,
    };
    let request = seal(0, &request.encode_to_vec());
    let answer = call(&house, WATCH, PROTO, request).send().await.unwrap();
    let frames = opened(answer, PROTO).await;
    let event = WatchGenerationResponse::decode(frames[0].1.as_slice()).unwrap();
    assert_eq!(event.event.unwrap().sequence, 3);
    assert_eq!((frames[1].0, text(&frames[1])), (2, json!({})));
}

#[tokio::test]
async fn errors_stand_in_the_end() {
    let house = House::open().await;
    for (id, before, code) in [
        ("missing", 0, "not_found"),
        ("late", 0, "not_found"),
        ("broken", 2, "unavailable"),
    ] {
        let answer = call(&house, WATCH, JSON, watched(id)).send().await.unwrap();
        let frames = opened(answer, JSON).await;
        assert_eq!(frames.len(), before + 1, "{id}");
        assert_eq!(frames[before].0, 2);
        let error = text(&frames[before])["error"].clone();
        assert_eq!(error["code"], code);
        assert!(error["details"][0]["debug"]["reason"].is_string());
        assert!(!error.to_string().contains("10.0.0.7"));
    }
    let none = house
        .client
        .post(house.url(WATCH))
        .header("content-type", JSON);
    let none = none.body(watched("g-1")).send().await.unwrap();
    let frames = opened(none, JSON).await;
    assert_eq!(text(&frames[0])["error"]["code"], "unauthenticated");
    let two = [watched("g-1"), watched("g-1")].concat();
    let frames = opened(call(&house, WATCH, JSON, two).send().await.unwrap(), JSON).await;
    assert_eq!(text(&frames[0])["error"]["code"], "invalid_argument");
    let packed = call(&house, WATCH, JSON, watched("g-1"));
    let packed = packed
        .header("connect-content-encoding", "gzip")
        .send()
        .await;
    let packed = packed.unwrap();
    assert_eq!(packed.headers()["connect-accept-encoding"], "identity");
    let frames = opened(packed, JSON).await;
    assert_eq!(text(&frames[0])["error"]["code"], "unimplemented");
}

#[tokio::test]
async fn messages_come_as_they_happen() {
    let house = House::open().await;
    let answer = call(&house, WATCH, JSON, watched("quiet"))
        .send()
        .await
        .unwrap();
    let mut bytes = answer.bytes_stream();
    let first = bytes.next().await.unwrap().unwrap();
    let event: Value = serde_json::from_slice(&first[5..]).unwrap();
    assert_eq!(event["event"]["sequence"], "1");
}

#[tokio::test]
async fn a_client_stream_in_json() {
    let house = House::open().await;
    let first = json!({"name": "a.bin", "content": {"contentType": "image/png", "data": "b25l"}});
    let second = json!({"content": {"data": "dHdv"}});
    let pieces = [first, second].map(|piece| seal(0, piece.to_string().as_bytes()));
    let answer = call(&house, CREATE_FILE, JSON, pieces.concat())
        .send()
        .await;
    let frames = opened(answer.unwrap(), JSON).await;
    assert_eq!(text(&frames[0])["file"]["size"], "6");
    assert_eq!((frames[1].0, text(&frames[1])), (2, json!({})));
    let upload = house.file.uploads.lock().pop().unwrap();
    assert!(upload.whole && upload.bytes == b"onetwo" && upload.content_type == "image/png");
    // An envelope that is cut resets the call.
    let body = pieces.concat();
    let cut = call(&house, CREATE_FILE, JSON, body[..body.len() - 1].to_vec());
    let frames = opened(cut.send().await.unwrap(), JSON).await;
    assert_eq!(text(&frames[0])["error"]["code"], "invalid_argument");
    let upload = house.file.uploads.lock().pop();
    assert!(upload.is_none_or(|upload| !upload.whole));
}

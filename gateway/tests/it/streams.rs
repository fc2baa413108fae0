//! Streams in the other forms: lines and arrays of JSON, whole, cut and silent.

use futures::StreamExt;
use serde_json::Value;

use crate::house::{House, refused};

async fn stream_of(house: &House, id: &str, accept: &str) -> reqwest::Response {
    let path = format!("/v1/generations/{id}/events");
    let response = house.get(&path).header("accept", accept).send();
    let response = response.await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], accept);
    assert_eq!(response.headers()["cache-control"], "no-store");
    response
}

fn lines_of(text: &str) -> Vec<Value> {
    assert!(text.ends_with('\n'), "{text}");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn assert_cut(last: &Value) {
    assert_eq!(last["error"]["status"], "UNAVAILABLE", "{last}");
    assert_eq!(last["error"]["code"], 503);
    assert!(!last.to_string().contains("10.0.0.7"));
}

#[tokio::test]
async fn lines_of_json() {
    let house = House::open().await;
    for accept in ["application/x-ndjson", "application/jsonl"] {
        let whole = stream_of(&house, "g-1", accept).await.text().await.unwrap();
        let sequences: Vec<i64> = lines_of(&whole)
            .iter()
            .map(|line| line["sequence"].as_i64().unwrap())
            .collect();
        assert_eq!(sequences, [1, 2, 3]);
        let cut = stream_of(&house, "broken", accept).await;
        let cut = lines_of(&cut.text().await.unwrap());
        assert_eq!(cut.len(), 3);
        assert_cut(&cut[2]);
    }
}

#[tokio::test]
async fn one_array() {
    let house = House::open().await;
    let whole: Vec<Value> = stream_of(&house, "g-1", "application/json")
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(whole.len(), 3);
    assert_eq!(whole[2]["sequence"], 3);
    let cut: Vec<Value> = stream_of(&house, "broken", "application/json")
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(cut.len(), 3);
    assert_cut(&cut[2]);
    let path = "/v1/generations/g-1/events?afterSequence=3";
    let empty = house.get(path).header("accept", "application/json").send();
    assert_eq!(empty.await.unwrap().text().await.unwrap(), "[]");
}

#[tokio::test]
async fn what_fails_at_once_is_an_ordinary_error() {
    let house = House::open().await;
    for accept in ["application/x-ndjson", "application/json"] {
        for id in ["missing", "late"] {
            let path = format!("/v1/generations/{id}/events");
            let request = house.get(&path).header("accept", accept);
            refused(request.send().await.unwrap(), 404, "NOT_FOUND").await;
        }
    }
}

#[tokio::test]
async fn silence_is_space_and_a_stop_is_said() {
    let house = House::with(&[("BOTTEGA_GATEWAY_KEEP_ALIVE", "50ms")]).await;
    for accept in ["application/x-ndjson", "application/json"] {
        let mut bytes = stream_of(&house, "quiet", accept).await.bytes_stream();
        let mut text = String::new();
        while !text.ends_with("  ") {
            let piece = bytes.next().await.unwrap().unwrap();
            text.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }
    let stopped = stream_of(&house, "quiet", "application/json").await;
    house.shutdown.trigger();
    let all: Vec<Value> = stopped.json().await.unwrap();
    assert_eq!(all[0]["sequence"], 1);
    assert_cut(all.last().unwrap());
}

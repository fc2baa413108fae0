//! Event streams: whole, resumed, cut and left.

use futures::StreamExt;
use reqwest::Response;

use crate::house::{House, eventually, refused};

fn assert_is_stream(response: &Response) {
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
}

/// The `id`, `event` and `data` of each event.
fn events_of(text: &str) -> Vec<[String; 3]> {
    let blocks = text.split("\n\n").filter(|block| block.contains("data: "));
    let field = |block: &str, name: &str| {
        let line = block
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_default().to_owned()
    };
    blocks
        .map(|block| ["id", "event", "data"].map(|name| field(block, name)))
        .collect()
}

#[tokio::test]
async fn every_event_and_then_the_end() {
    let house = House::open().await;
    let stream = house
        .get("/v1/generations/g-1/events")
        .send()
        .await
        .unwrap();
    assert_is_stream(&stream);
    let text = stream.text().await.unwrap();
    assert!(text.starts_with("retry: 1000\n\n"), "{text}");
    let events = events_of(&text);
    let heads: Vec<_> = events
        .iter()
        .map(|event| (&*event[0], &*event[1]))
        .collect();
    assert_eq!(
        heads,
        [
            ("1", "QUEUED"),
            ("2", "STARTED"),
            ("3", "STARTED"),
            ("", "end")
        ]
    );
    let data: serde_json::Value = serde_json::from_str(&events[1][2]).unwrap();
    assert_eq!(
        (data["sequence"].as_i64(), data["type"].as_str()),
        (Some(2), Some("STARTED"))
    );
}

#[tokio::test]
async fn a_stream_goes_on_after_the_last_event() {
    let house = House::open().await;
    let path = "/v1/generations/g-1/events?afterSequence=1";
    let stream = house
        .get(path)
        .header("last-event-id", "2")
        .send()
        .await
        .unwrap();
    let events = events_of(&stream.text().await.unwrap());
    assert_eq!(events[0][0], "3");
    let stream = house
        .get(path)
        .header("accept", "text/event-stream")
        .send()
        .await
        .unwrap();
    assert_eq!(events_of(&stream.text().await.unwrap())[0][0], "2");
    assert_eq!(*house.generation.watched_after.lock(), [2, 1]);
    let wrong = house
        .get(path)
        .header("last-event-id", "two")
        .send()
        .await
        .unwrap();
    let error = refused(wrong, 400, "INVALID_FIELD").await;
    assert_eq!(
        error["details"][1]["fieldViolations"][0]["field"],
        "Last-Event-ID"
    );
}

#[tokio::test]
async fn an_error_before_the_first_event_is_an_ordinary_one() {
    let house = House::open().await;
    for id in ["missing", "late"] {
        let path = format!("/v1/generations/{id}/events");
        refused(house.get(&path).send().await.unwrap(), 404, "NOT_FOUND").await;
    }
    let picture = house
        .get("/v1/generations/g-1/events")
        .header("accept", "image/png");
    refused(picture.send().await.unwrap(), 406, "INVALID_REQUEST").await;
}

#[tokio::test]
async fn a_cut_stream_says_so() {
    let house = House::open().await;
    let stream = house
        .get("/v1/generations/broken/events")
        .send()
        .await
        .unwrap();
    assert_is_stream(&stream);
    let id = stream.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let events = events_of(&stream.text().await.unwrap());
    assert_eq!(events.len(), 3);
    assert_eq!(events[2][1], "error");
    let error: serde_json::Value = serde_json::from_str(&events[2][2]).unwrap();
    assert_eq!(error["error"]["status"], "UNAVAILABLE");
    assert_eq!(error["error"]["requestId"], id);
    assert!(!events[2][2].contains("10.0.0.7"));
}

#[tokio::test]
async fn a_silent_stream_shows_that_it_lives_and_ends_with_its_client() {
    let house = House::with(&[("BOTTEGA_GATEWAY_KEEP_ALIVE", "50ms")]).await;
    let stream = house
        .get("/v1/generations/quiet/events")
        .send()
        .await
        .unwrap();
    let mut bytes = stream.bytes_stream();
    let mut text = String::new();
    while !text.contains(": keep-alive\n\n") {
        text.push_str(std::str::from_utf8(&bytes.next().await.unwrap().unwrap()).unwrap());
    }
    assert_eq!(events_of(&text).len(), 1);
    assert!(!*house.generation.dropped.lock());
    drop(bytes);
    eventually("the end of the call", || {
        house.generation.dropped.lock().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_silent_stream_begins_without_its_first_event() {
    let house = House::open().await;
    let request = house
        .get("/v1/generations/quiet/events")
        .header("last-event-id", "3");
    assert_is_stream(&request.send().await.unwrap());
}

#[tokio::test]
async fn a_stopping_gateway_ends_its_streams() {
    let house = House::open().await;
    let stream = house
        .get("/v1/generations/quiet/events")
        .send()
        .await
        .unwrap();
    house.shutdown.trigger();
    let events = events_of(&stream.text().await.unwrap());
    assert_eq!(events.last().unwrap()[1], "error");
    assert!(events.last().unwrap()[2].contains("\"reason\":\"UNAVAILABLE\""));
}

//! A generation as it is watched.

use serde_json::{Value, json};

use crate::app::{App, User};

/// The events of a stream: id, event name and data of each.
fn parse(text: &str) -> Vec<(String, String, String)> {
    let field = |block: &str, name: &str| {
        let prefix = format!("{name}:");
        let lines = block.lines().filter_map(|line| line.strip_prefix(&prefix));
        lines
            .map(|value| value.trim_start().to_owned())
            .collect::<Vec<_>>()
            .join("\n")
    };
    text.split("\n\n")
        .filter(|block| block.contains("data:"))
        .map(|block| {
            (
                field(block, "id"),
                field(block, "event"),
                field(block, "data"),
            )
        })
        .collect()
}

async fn watch(user: &User, id: &str, last: Option<&str>) -> Vec<(String, String, String)> {
    let mut request = user
        .request(
            reqwest::Method::GET,
            &format!("/v1/generations/{id}/events"),
        )
        .header("accept", "text/event-stream");
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let reply = crate::app::Reply::of(request).await.expect(200);
    assert_eq!(reply.header("content-type"), "text/event-stream");
    assert_eq!(reply.header("cache-control"), "no-store");
    parse(&reply.text())
}

#[tokio::test]
async fn a_stream_tells_everything_and_ends() {
    let app = App::start().await;
    let user = app.user().await;
    let id = user.generate("watched from the start").await;
    // Followed live: the stream ends by itself with the last event.
    let live = watch(&user, &id, None).await;
    let told: Vec<Value> = live
        .iter()
        .filter(|(_, name, _)| name != "end")
        .map(|(_, _, data)| serde_json::from_str(data).unwrap())
        .collect();
    let ids: Vec<&str> = live
        .iter()
        .filter(|one| one.1 != "end")
        .map(|(id, ..)| id.as_str())
        .collect();
    let counted: Vec<String> = (1..=ids.len()).map(|number| number.to_string()).collect();
    assert_eq!(ids, counted, "sequence numbers run from 1 without gaps");
    assert_eq!(told[0]["type"], "QUEUED");
    let last = told.last().unwrap();
    assert_eq!(
        (&last["type"], &last["status"]),
        (&json!("COMPLETED"), &json!("COMPLETED"))
    );
    assert_eq!(last["progress"], 100);

    // Replayed after the end: the same, word for word.
    assert_eq!(watch(&user, &id, None).await, live);
    // Taken up in the middle.
    let rest = watch(&user, &id, Some("2")).await;
    assert_eq!(rest, live[2..]);
}

//! Calls that are repeated under their key: they are answered whatever is left, and take nothing.

use reqwest::Response;
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

use crate::house::{House, eventually, refused};

async fn order(house: &House, key: &[u8]) -> Response {
    let body = json!({"kind": "IMAGE", "image": {"prompt": "a fox"}});
    let key = HeaderValue::from_bytes(key).unwrap();
    let request = house.post("/v1/generations").json(&body);
    let request = request.header("idempotency-key", key);
    request.send().await.unwrap()
}

async fn use_all(house: &House) {
    for number in 0..5 {
        let made = order(house, format!("{number}").as_bytes()).await;
        assert_eq!(made.status(), 202);
        assert!(made.headers().get("idempotency-replayed").is_none());
    }
}

fn left(headers: &HeaderMap) -> &str {
    headers["ratelimit"].to_str().unwrap()
}

#[tokio::test]
async fn an_answer_that_was_given_before_takes_no_unit() {
    let house = House::open().await;
    let again = order(&house, b"known").await;
    assert_eq!(again.status(), 202);
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert!(left(again.headers()).contains(";r=5;"));
    assert_eq!(again.json::<Value>().await.unwrap()["id"], "g-0");
    let released = eventually("the release", || {
        house.usage.released.lock().first().cloned()
    })
    .await;
    assert_eq!(released, house.usage.reserved.lock()[0].2);
    assert_eq!(*house.generation.keys.lock(), [("known".to_owned(), false)]);
}

#[tokio::test]
async fn an_answer_that_was_given_before_is_given_when_nothing_is_left() {
    let house = House::open().await;
    use_all(&house).await;
    let again = order(&house, b"known").await;
    assert_eq!(again.status(), 202);
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    // What is wrong with the key goes before the quota, which is not what stands in the way.
    refused(order(&house, b"other").await, 422, "IDEMPOTENCY_MISMATCH").await;
    refused(order(&house, b"busy").await, 409, "IDEMPOTENCY_IN_FLIGHT").await;
    // A new call is refused as ever.
    let over = order(&house, b"new").await;
    assert!(left(over.headers()).contains(";r=0;"));
    refused(over, 429, "QUOTA_EXCEEDED").await;
    assert_eq!(house.generation.receipts.lock().len(), 5);
    let asked = house.generation.keys.lock()[5..].to_vec();
    assert!(
        asked.iter().all(|(_, is_replay_only)| *is_replay_only),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_key_in_the_way_gives_the_unit_back() {
    let house = House::open().await;
    for (place, (key, status, reason)) in [
        (&b"other"[..], 422, "IDEMPOTENCY_MISMATCH"),
        (b"busy", 409, "IDEMPOTENCY_IN_FLIGHT"),
    ]
    .into_iter()
    .enumerate()
    {
        refused(order(&house, key).await, status, reason).await;
        let released = || house.usage.released.lock().get(place).cloned();
        let released = eventually("the release", released).await;
        assert_eq!(released, house.usage.reserved.lock()[place].2);
    }
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_before_anything_is_reserved() {
    let house = House::open().await;
    for key in [&b""[..], b"two words", b"caf\xe9", &[b'k'; 256]] {
        let error = refused(order(&house, key).await, 400, "INVALID_FIELD").await;
        let violation = &error["details"][1]["fieldViolations"][0];
        assert_eq!(violation["field"], "Idempotency-Key");
    }
    assert!(house.usage.reserved.lock().is_empty());
    // Where a call cannot be repeated so, nobody looks at it.
    let list = house
        .get("/v1/generations")
        .header("idempotency-key", "two words");
    assert_eq!(list.send().await.unwrap().status(), 200);
}

//! Answers that are given again: to everybody who may ask, in any protocol.

use reqwest::{Method, Response};

use crate::house::{House, refused};
use crate::rpc::call;

const LIST: &str = "/bottega.generation.v1.GenerationService/ListProviders";

fn outcome(answer: &Response) -> &str {
    assert_eq!(answer.status(), 200);
    answer.headers()["x-cache"].to_str().unwrap()
}

#[tokio::test]
async fn the_service_is_asked_once_for_all() {
    let house = House::open().await;
    let first = house.get("/v1/providers").send().await.unwrap();
    assert_eq!(outcome(&first), "miss");
    let tag = first.headers()["etag"].clone();
    let body = first.text().await.unwrap();
    let again = house.get("/v1/providers").send().await.unwrap();
    assert_eq!(outcome(&again), "hit");
    assert_eq!(again.text().await.unwrap(), body);
    let current = house.get("/v1/providers").header("if-none-match", tag);
    assert_eq!(current.send().await.unwrap().status(), 304);
    let other = call(&house, LIST, "application/json", "{}");
    assert_eq!(outcome(&other.send().await.unwrap()), "hit");
    assert_eq!(*house.generation.listed.lock(), 1);
    // Who may not ask is not answered from memory either.
    let stranger = house.anonymous(Method::GET, "/v1/providers");
    refused(stranger.send().await.unwrap(), 401, "UNAUTHENTICATED").await;
}

#[tokio::test]
async fn without_room_everybody_is_answered_by_the_service() {
    let house = House::with(&[("BOTTEGA_GATEWAY_CACHE_BYTES", "0")]).await;
    for _ in 0..3 {
        let answer = house.get("/v1/providers").send().await.unwrap();
        assert_eq!(answer.status(), 200);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(*house.generation.listed.lock() >= 2);
    let other = house.get("/v1/files/f-1").send().await.unwrap();
    assert!(!other.headers().contains_key("x-cache"));
}

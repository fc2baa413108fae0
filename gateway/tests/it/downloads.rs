//! Bytes from a service, as they are.

use std::time::Duration;

use futures::StreamExt;
use reqwest::Method;

use crate::fakes::file::{CONTENT, ETAG};
use crate::house::{House, eventually, refused};

#[tokio::test]
async fn bytes_come_with_the_headers_of_the_service() {
    let house = House::open().await;
    let whole = house.get("/v1/files/f-1/content").send().await.unwrap();
    assert_eq!(whole.status(), 200);
    assert_eq!(whole.headers()["content-type"], "image/png");
    assert_eq!(whole.headers()["etag"], ETAG);
    assert!(!whole.headers().contains_key("x-internal"));
    assert_eq!(whole.bytes().await.unwrap(), CONTENT);
    let head = house
        .anonymous(Method::HEAD, "/v1/files/f-1/content")
        .bearer_auth(house.token());
    let head = head.send().await.unwrap();
    assert_eq!(
        (head.status().as_u16(), &head.headers()["etag"]),
        (200, &ETAG.parse().unwrap())
    );
}

#[tokio::test]
async fn ranges_and_conditions_are_the_services_to_honour() {
    let house = House::open().await;
    let part = house
        .get("/v1/files/f-1/content")
        .header("range", "bytes=2-4");
    let part = part.send().await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["content-range"], "bytes 2-4/10");
    assert_eq!(part.headers()["content-length"], "3");
    assert_eq!(part.bytes().await.unwrap(), &CONTENT[2..5]);
    let outside = house
        .get("/v1/files/f-1/content")
        .header("range", "bytes=99-");
    refused(outside.send().await.unwrap(), 416, "RANGE_NOT_SATISFIABLE").await;
    let same = house
        .get("/v1/files/f-1/content")
        .header("if-none-match", ETAG);
    let same = same.send().await.unwrap();
    assert_eq!(
        (same.status().as_u16(), &same.headers()["etag"]),
        (304, &ETAG.parse().unwrap())
    );
    assert!(same.bytes().await.unwrap().is_empty());
    refused(
        house.get("/v1/files/missing/content").send().await.unwrap(),
        404,
        "NOT_FOUND",
    )
    .await;
}

#[tokio::test]
async fn a_cut_download_never_looks_whole() {
    let house = House::open().await;
    // The connection ends before or after the head has left; the body never ends well.
    if let Ok(cut) = house.get("/v1/files/broken/content").send().await {
        assert!(cut.bytes().await.is_err());
    }
    // The service really sent something before it failed.
    let whole = house.get("/v1/files/f-1/content").send().await.unwrap();
    assert_eq!(whole.bytes().await.unwrap(), CONTENT);
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_call() {
    let house = House::open().await;
    let endless = house.get("/v1/files/endless/content").send().await.unwrap();
    let mut bytes = endless.bytes_stream();
    assert!(!bytes.next().await.unwrap().unwrap().is_empty());
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!*house.file.dropped.lock());
    drop(bytes);
    eventually("the end of the call", || {
        house.file.dropped.lock().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_the_service_back() {
    let house = House::open().await;
    let endless = house.get("/v1/files/endless/content").send().await.unwrap();
    let sent = || *house.file.sent.lock();
    let mut before = 0;
    // Buffers fill, and then nothing moves.
    for _ in 0..40 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if sent() == before && before > 0 {
            break;
        }
        before = sent();
    }
    assert_eq!(sent(), before, "it still flows");
    assert!(before < 64 * 1024 * 1024, "{before} bytes are in flight");
    drop(endless);
}

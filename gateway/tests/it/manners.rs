//! HTTP's manners: compression, tags, OPTIONS, timing, and room for bodies.

use std::convert::Infallible;

use bytes::Bytes;
use futures::{StreamExt, stream};
use reqwest::{Body, Method, Response};

use crate::house::{House, refused};

async fn page(house: &House, path: &str, encoding: &str) -> Response {
    let request = house.get(path).header("accept-encoding", encoding);
    request.send().await.unwrap()
}

#[tokio::test]
async fn what_is_whole_and_large_is_compressed() {
    let house = House::open().await;
    let plain = page(&house, "/openapi.json", "identity").await;
    assert!(!plain.headers().contains_key("content-encoding"));
    let plain = plain.bytes().await.unwrap();
    for (encoding, magic) in [
        ("gzip", Some([0x1f, 0x8b].as_slice())),
        ("zstd", Some([0x28, 0xb5, 0x2f, 0xfd].as_slice())),
        ("br", None),
    ] {
        let packed = page(&house, "/openapi.json", encoding).await;
        assert_eq!(packed.headers()["content-encoding"], encoding);
        let vary = packed.headers()["vary"].to_str().unwrap().to_owned();
        assert!(vary.contains("accept-encoding"), "{vary}");
        let packed = packed.bytes().await.unwrap();
        assert!(packed.len() * 3 < plain.len(), "{}", packed.len());
        assert!(magic.is_none_or(|magic| packed.starts_with(magic)));
    }
    let refused = page(&house, "/openapi.json", "deflate, gzip;q=0").await;
    assert!(!refused.headers().contains_key("content-encoding"));
}

#[tokio::test]
async fn what_is_small_or_a_stream_is_left_alone() {
    let house = House::open().await;
    let every = "gzip, br, zstd";
    for path in [
        "/v1/files/f-1",
        "/v1/files/f-1/content",
        "/v1/generations/g-1/events",
    ] {
        let answer = page(&house, path, every).await;
        assert_eq!(answer.status(), 200, "{path}");
        assert!(!answer.headers().contains_key("content-encoding"), "{path}");
    }
    let lines = house.get("/v1/generations/g-1/events");
    let lines = lines.header("accept", "application/json");
    let lines = lines.header("accept-encoding", every).send().await.unwrap();
    assert!(!lines.headers().contains_key("content-encoding"));
}

#[tokio::test]
async fn reads_have_a_tag_and_are_not_sent_twice() {
    let house = House::open().await;
    let first = page(&house, "/v1/files/f-1", "identity").await;
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    assert_eq!(first.headers()["cache-control"], "private, no-cache");
    let other = page(&house, "/v1/files/f-2", "identity").await;
    assert_ne!(other.headers()["etag"], *tag);
    for known in [tag.as_str(), tag.trim_start_matches("W/"), "*"] {
        let list = format!("\"other\", {known}");
        let asked = house.get("/v1/files/f-1").header("if-none-match", list);
        let again = asked.send().await.unwrap();
        assert_eq!(again.status(), 304, "{known}");
        assert_eq!(again.headers()["etag"], *tag);
        assert!(!again.headers().contains_key("content-type"));
        assert!(again.bytes().await.unwrap().is_empty());
    }
    let head = house.anonymous(Method::HEAD, "/v1/files/f-1");
    let head = head.bearer_auth(house.token()).send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(head.headers()["etag"], *tag);
    assert!(head.bytes().await.unwrap().is_empty());
    // Whoever may not see it is not told that it is the same.
    let stranger = house.anonymous(Method::GET, "/v1/files/f-1");
    let stranger = stranger.header("if-none-match", "*").send().await.unwrap();
    refused(stranger, 401, "UNAUTHENTICATED").await;
    let made = house.post("/v1/generations:quote").body("{}").send().await;
    assert!(!made.unwrap().headers().contains_key("etag"));
}

#[tokio::test]
async fn options_name_the_methods() {
    let house = House::open().await;
    for (path, allow) in [
        ("/v1/files", "GET, HEAD, POST, OPTIONS"),
        ("/healthz", "GET, HEAD, OPTIONS"),
        (
            "/bottega.file.v1.FileService/GetFile",
            "GET, HEAD, POST, OPTIONS",
        ),
        ("/bottega.file.v1.FileService/DeleteFile", "POST, OPTIONS"),
    ] {
        let answer = house.anonymous(Method::OPTIONS, path).send().await.unwrap();
        assert_eq!(answer.status(), 204, "{path}");
        assert_eq!(answer.headers()["allow"], allow, "{path}");
    }
    let nothing = house.anonymous(Method::OPTIONS, "/v1/nothing").send();
    refused(nothing.await.unwrap(), 404, "UNKNOWN_ROUTE").await;
}

#[tokio::test]
async fn every_answer_says_how_long_it_took() {
    let house = House::open().await;
    for path in ["/healthz", "/v1/files/missing", "/v1/nothing"] {
        let answer = house.get(path).send().await.unwrap();
        let timing = answer.headers()["server-timing"].to_str().unwrap();
        let millis: f64 = timing.strip_prefix("total;dur=").unwrap().parse().unwrap();
        assert!((0.0..60_000.0).contains(&millis), "{timing}");
    }
}

#[tokio::test]
async fn bodies_have_room_or_are_refused() {
    let house = House::with(&[("BOTTEGA_GATEWAY_MAX_INFLIGHT_BYTES", "67108864")]).await;
    // 64 bodies of unknown length that do not end: each may become 1 MiB.
    let slow = (0..64).map(|_| {
        let piece = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"{"))]);
        let body = Body::wrap_stream(piece.chain(stream::pending()));
        tokio::spawn(house.post("/v1/generations:quote").body(body).send())
    });
    let slow: Vec<_> = slow.collect();
    let over = async || {
        let body = Body::wrap_stream(stream::iter([Ok::<_, Infallible>("{}")]));
        house
            .post("/v1/generations:quote")
            .body(body)
            .send()
            .await
            .unwrap()
    };
    let mut last = over().await;
    for _ in 0..200 {
        if last.status() == 429 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        last = over().await;
    }
    assert_eq!(last.headers()["retry-after"], "1");
    refused(last, 429, "OVERLOADED").await;
    // What needs no room is served.
    assert_eq!(house.get("/v1/files").send().await.unwrap().status(), 200);
    slow.iter().for_each(tokio::task::JoinHandle::abort);
    let mut tries = 0;
    while over().await.status() == 429 {
        tries += 1;
        assert!(tries < 200, "the room was not given back");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn clients_behind_a_trusted_proxy_are_told_apart() {
    let settings = [
        ("BOTTEGA_RATE_LIMITS", "on"),
        ("BOTTEGA_RATE_ANONYMOUS", "1/min"),
    ];
    let refresh = async |house: &House, client: &str| {
        let request = house.anonymous(Method::POST, "/v1/auth/refresh").body("{}");
        let request = request.header("x-forwarded-for", client);
        request.send().await.unwrap().status().as_u16()
    };
    let trusting = [
        &settings[..],
        &[("BOTTEGA_GATEWAY_TRUSTED_PROXIES", "127.0.0.0/8")],
    ]
    .concat();
    let house = House::with(&trusting).await;
    assert_eq!(refresh(&house, "198.51.100.1").await, 200);
    assert_eq!(refresh(&house, "198.51.100.2").await, 200);
    assert_eq!(refresh(&house, "203.0.113.7, 198.51.100.1").await, 429);
    let house = House::with(&settings).await;
    assert_eq!(refresh(&house, "198.51.100.1").await, 200);
    assert_eq!(refresh(&house, "198.51.100.2").await, 429);
}

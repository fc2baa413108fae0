//! gRPC-Web over HTTP/1.1, in bytes and in base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use contracts::file::v1::{GetFileRequest, GetFileResponse};
use contracts::generation::v1::{WatchGenerationRequest, WatchGenerationResponse};
use prost::Message;

use super::{GET_FILE, WATCH, call, open, opened, seal};
use crate::house::House;

const BYTES: &str = "application/grpc-web+proto";
const TEXT: &str = "application/grpc-web-text+proto";

fn file(id: &str) -> Vec<u8> {
    GetFileRequest { id: id.to_owned() }.encode_to_vec()
}

fn watched(id: &str) -> Vec<u8> {
    let id = id.to_owned();
    let after_sequence = 0;
    WatchGenerationRequest { id, after_sequence }.encode_to_vec()
}

fn trailers(frame: &(u8, Vec<u8>)) -> &str {
    assert_eq!(frame.0, 0x80);
    std::str::from_utf8(&frame.1).unwrap()
}

#[tokio::test]
async fn a_message_and_its_trailers() {
    let house = House::open().await;
    let body = seal(0, &file("f-1"));
    let answer = call(&house, GET_FILE, "application/grpc-web", body);
    let frames = opened(answer.send().await.unwrap(), BYTES).await;
    let reply = GetFileResponse::decode(frames[0].1.as_slice()).unwrap();
    assert_eq!(reply.file.unwrap().id, "f-1");
    assert_eq!(trailers(&frames[1]), "grpc-status: 0\r\n");
    let refused = call(&house, GET_FILE, BYTES, seal(0, &file("missing")));
    let frames = opened(refused.send().await.unwrap(), BYTES).await;
    let said = trailers(&frames[0]);
    assert!(said.contains("grpc-status: 5\r\n"), "{said}");
    assert!(said.contains("grpc-message: ") && said.contains("grpc-status-details-bin: "));
}

#[tokio::test]
async fn a_stream_whole_and_cut() {
    let house = House::open().await;
    for (id, status) in [("g-1", "grpc-status: 0"), ("broken", "grpc-status: 14")] {
        let request = call(&house, WATCH, BYTES, seal(0, &watched(id)));
        let frames = opened(request.send().await.unwrap(), BYTES).await;
        let first = WatchGenerationResponse::decode(frames[0].1.as_slice()).unwrap();
        assert_eq!(first.event.unwrap().sequence, 1);
        assert!(trailers(frames.last().unwrap()).contains(status));
    }
}

#[tokio::test]
async fn base64_both_ways() {
    let house = House::open().await;
    let body = STANDARD.encode(seal(0, &watched("g-1")));
    let answer = call(&house, WATCH, "application/grpc-web-text", body);
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], TEXT);
    let text = answer.text().await.unwrap();
    // Every piece is padded: a run ends where its padding does.
    let mut bytes = Vec::new();
    for group in text.as_bytes().chunks(4) {
        bytes.extend(STANDARD.decode(group).unwrap());
    }
    let frames = open(&bytes);
    assert_eq!(frames.len(), 4);
    assert_eq!(trailers(&frames[3]), "grpc-status: 0\r\n");
    let broken = call(&house, WATCH, TEXT, "a*b=").send().await.unwrap();
    let text = broken.text().await.unwrap();
    let frames = open(&STANDARD.decode(text).unwrap());
    assert!(trailers(&frames[0]).contains("grpc-status: 3"));
}

#[tokio::test]
async fn refused_before_it_is_read() {
    let house = House::open().await;
    let body = seal(0, &file("f-1"));
    let none = house.client.post(house.url(GET_FILE));
    let none = none.header("content-type", BYTES).body(body.clone());
    let frames = opened(none.send().await.unwrap(), BYTES).await;
    assert!(trailers(&frames[0]).contains("grpc-status: 16"));
    let packed = call(&house, GET_FILE, BYTES, body.clone()).header("grpc-encoding", "gzip");
    let packed = packed.send().await.unwrap();
    assert_eq!(packed.headers()["grpc-accept-encoding"], "identity");
    let frames = opened(packed, BYTES).await;
    assert!(trailers(&frames[0]).contains("grpc-status: 12"));
    let cut = call(&house, GET_FILE, BYTES, body.slice(..4));
    let frames = opened(cut.send().await.unwrap(), BYTES).await;
    assert!(trailers(&frames[0]).contains("grpc-status: 3"));
    // gRPC itself needs trailers of HTTP/2.
    let grpc = call(&house, GET_FILE, "application/grpc", body);
    let grpc = grpc.send().await.unwrap();
    assert_eq!(grpc.headers()["grpc-status"], "3");
}

#[tokio::test]
async fn pages_of_listed_origins_may_call() {
    let origin = "https://app.example";
    let house = House::with(&[("BOTTEGA_GATEWAY_CORS_ORIGINS", origin)]).await;
    let asked = house
        .anonymous(reqwest::Method::OPTIONS, GET_FILE)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "x-grpc-web");
    let asked = asked.send().await.unwrap();
    assert_eq!(asked.status(), 204);
    let allowed = asked.headers()["access-control-allow-headers"]
        .to_str()
        .unwrap();
    for name in [
        "x-grpc-web",
        "connect-protocol-version",
        "connect-timeout-ms",
        "grpc-timeout",
    ] {
        assert!(allowed.contains(name), "{name}");
    }
    let answer = call(&house, GET_FILE, BYTES, seal(0, &file("f-1"))).header("origin", origin);
    let answer = answer.send().await.unwrap();
    let shown = answer.headers()["access-control-expose-headers"]
        .to_str()
        .unwrap();
    for name in ["grpc-status", "grpc-message", "grpc-status-details-bin"] {
        assert!(shown.contains(name), "{name}");
    }
}

//! Bytes to a service: whole, in forms, too many, and cut short.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt;
use reqwest::multipart::{Form, Part};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::fakes::file::Upload;
use crate::house::{House, eventually, refused};

fn only_upload(house: &House) -> Upload {
    let uploads = house.file.uploads.lock();
    assert_eq!(uploads.len(), 1);
    uploads[0].clone()
}

#[tokio::test]
async fn a_raw_body_arrives_in_pieces() {
    let house = House::open().await;
    let bytes: Vec<u8> = (0..3_000_000_u32)
        .map(|number| (number % 251) as u8)
        .collect();
    let request = house.post("/v1/files?name=a.png&sessionId=s-1");
    let request = request
        .header("content-type", "image/png")
        .body(bytes.clone());
    let made = request.send().await.unwrap();
    assert_eq!(made.status(), 201);
    assert_eq!(made.json::<Value>().await.unwrap()["size"], 3_000_000);
    let upload = only_upload(&house);
    assert!(upload.whole && upload.messages > 1);
    assert!(upload.bytes == bytes, "the bytes are the same");
    assert_eq!(
        (&*upload.name, &*upload.session, &*upload.content_type),
        ("a.png", "s-1", "image/png")
    );
}

#[tokio::test]
async fn an_empty_body_is_an_empty_file() {
    let house = House::open().await;
    assert_eq!(
        house
            .post("/v1/files?name=e")
            .send()
            .await
            .unwrap()
            .status(),
        201
    );
    let upload = only_upload(&house);
    assert_eq!((upload.messages, upload.bytes.len()), (1, 0));
}

#[tokio::test]
async fn a_form_brings_name_and_fields() {
    let house = House::open().await;
    let part = || {
        Part::bytes(vec![1; 500_000])
            .file_name("b.png")
            .mime_str("image/png")
            .unwrap()
    };
    let form = Form::new().text("sessionId", "s-2").part("file", part());
    let made = house
        .post("/v1/files")
        .multipart(form)
        .send()
        .await
        .unwrap();
    assert_eq!(made.status(), 201);
    let upload = only_upload(&house);
    assert!(upload.whole);
    assert_eq!(upload.bytes.len(), 500_000);
    assert_eq!(
        (&*upload.name, &*upload.session, &*upload.content_type),
        ("b.png", "s-2", "image/png")
    );
    let form = Form::new().part("file", part());
    house
        .post("/v1/files?name=mine.png")
        .multipart(form)
        .send()
        .await
        .unwrap();
    assert_eq!(
        house.file.uploads.lock()[1].name,
        "mine.png",
        "the query beats the file's name"
    );
}

#[tokio::test]
async fn forms_that_are_not_as_they_should_be() {
    let house = House::open().await;
    let field = |error: &Value| error["details"][1]["fieldViolations"][0]["field"].clone();
    let without = house
        .post("/v1/files")
        .multipart(Form::new().text("name", "x"));
    let error = refused(without.send().await.unwrap(), 400, "INVALID_FIELD").await;
    assert_eq!(field(&error), "file");
    let unknown = Form::new()
        .text("colour", "red")
        .part("file", Part::bytes(vec![1]));
    let unknown = house
        .post("/v1/files")
        .multipart(unknown)
        .send()
        .await
        .unwrap();
    let error = refused(unknown, 400, "INVALID_REQUEST").await;
    assert_eq!(field(&error), "colour");
    let after = Form::new()
        .part("file", Part::bytes(vec![1]))
        .text("sessionId", "s");
    let after = house
        .post("/v1/files")
        .multipart(after)
        .send()
        .await
        .unwrap();
    let error = refused(after, 400, "INVALID_FIELD").await;
    assert_eq!(field(&error), "sessionId");
    let long = Form::new()
        .text("name", "x".repeat(70_000))
        .part("file", Part::bytes(vec![1]));
    let long = house
        .post("/v1/files")
        .multipart(long)
        .send()
        .await
        .unwrap();
    refused(long, 413, "TOO_LARGE").await;
    let none = house
        .post("/v1/files")
        .header("content-type", "multipart/form-data")
        .body("x");
    refused(none.send().await.unwrap(), 400, "INVALID_REQUEST").await;
    assert!(house.file.uploads.lock().iter().all(|upload| !upload.whole));
}

#[tokio::test]
async fn too_much_is_refused_before_and_while_it_is_read() {
    let house = House::with(&[("BOTTEGA_GATEWAY_MAX_UPLOAD_BYTES", "2000000")]).await;
    let announced = house.post("/v1/files?name=big").body(vec![0; 2_000_001]);
    refused(announced.send().await.unwrap(), 413, "TOO_LARGE").await;
    assert!(house.file.uploads.lock().is_empty());
    let pieces: Vec<_> = (0..40)
        .map(|_| Ok::<_, std::io::Error>(vec![0_u8; 65_536]))
        .collect();
    let stream = reqwest::Body::wrap_stream(futures::stream::iter(pieces));
    let counted = house
        .post("/v1/files?name=big")
        .body(stream)
        .send()
        .await
        .unwrap();
    refused(counted, 413, "TOO_LARGE").await;
    let kept = eventually("the reset", || house.file.uploads.lock().first().cloned()).await;
    assert!(!kept.whole);
}

#[tokio::test]
async fn an_early_answer_is_not_kept_waiting() {
    let house = House::open().await;
    // A body that goes on for ever, slowly.
    let endless = futures::stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Some((Ok::<_, std::io::Error>(vec![0_u8; 1024]), ()))
    });
    let request = house
        .post("/v1/files?name=refused.txt")
        .body(reqwest::Body::wrap_stream(endless));
    let answer = tokio::time::timeout(Duration::from_secs(1), request.send()).await;
    refused(answer.unwrap().unwrap(), 415, "UNSUPPORTED_MEDIA_TYPE").await;
    let large = house
        .post("/v1/files?name=refused.txt")
        .body(vec![0; 6_000_000]);
    refused(large.send().await.unwrap(), 415, "UNSUPPORTED_MEDIA_TYPE").await;
    let nobody = house
        .client
        .post(house.url("/v1/files?name=x"))
        .body(vec![0; 6_000_000]);
    refused(nobody.send().await.unwrap(), 401, "UNAUTHENTICATED").await;
}

/// Sends a head that promises more than the body then holds, and closes its side.
async fn send_cut(house: &House, head: &str, body: &[u8]) -> String {
    let mut socket = TcpStream::connect(house.addr).await.unwrap();
    let token = house.token();
    let head = format!(
        "POST /v1/files?name=cut.png HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {token}\r\n{head}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(body).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    socket.shutdown().await.unwrap();
    let mut answer = String::new();
    let _ = socket.read_to_string(&mut answer).await;
    answer
}

#[tokio::test]
async fn a_body_cut_short_is_never_whole_to_the_service() {
    let house = House::open().await;
    let form = b"--b\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\nhalf\r\n--b";
    let cases: [(&str, &[u8]); 4] = [
        ("content-length: 1000", b"half"),
        ("transfer-encoding: chunked", b"4\r\nhalf\r\n"),
        (
            "content-type: multipart/form-data; boundary=b\r\ncontent-length: 1000",
            form,
        ),
        // The body is whole, the form in it is not.
        (
            "content-type: multipart/form-data; boundary=b\r\ncontent-length: 61",
            form,
        ),
    ];
    for (index, (head, body)) in cases.into_iter().enumerate() {
        let answer = send_cut(&house, head, body).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{head}: {answer}");
        assert!(answer.contains("INCOMPLETE_BODY"), "{head}: {answer}");
        let seen = || house.file.uploads.lock().get(index).cloned();
        let upload = eventually(head, seen).await;
        assert!(!upload.whole, "{head}: {upload:?}");
        assert!(b"half".starts_with(&upload.bytes), "{head}: {upload:?}");
    }
}

#[tokio::test]
async fn a_client_that_vanishes_leaves_nothing_whole() {
    let house = House::open().await;
    let mut socket = TcpStream::connect(house.addr).await.unwrap();
    let token = house.token();
    let head = format!(
        "POST /v1/files?name=gone HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {token}\r\n\
         content-length: 1000\r\n\r\nhalf"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    socket.set_zero_linger().unwrap();
    drop(socket);
    let upload = eventually("the reset", || house.file.uploads.lock().first().cloned()).await;
    assert!(!upload.whole);
}

#[tokio::test]
async fn a_service_that_does_not_read_holds_the_client_back() {
    let house = House::with(&[("BOTTEGA_GATEWAY_MAX_UPLOAD_BYTES", "1000000000")]).await;
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let pieces = futures::stream::repeat_with(move || {
        count.fetch_add(65_536, Ordering::Relaxed);
        Ok::<_, std::io::Error>(vec![0_u8; 65_536])
    });
    let body = reqwest::Body::wrap_stream(pieces.take(10_000));
    let request = tokio::spawn(house.post("/v1/files?name=stuck.bin").body(body).send());
    let mut before = 0;
    for _ in 0..40 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if sent.load(Ordering::Relaxed) == before && before > 0 {
            break;
        }
        before = sent.load(Ordering::Relaxed);
    }
    assert_eq!(sent.load(Ordering::Relaxed), before, "it still flows");
    assert!(before < 64 * 1024 * 1024, "{before} bytes are in flight");
    request.abort();
}

#[tokio::test]
async fn a_body_that_stands_still_is_given_up() {
    let house = House::with(&[("BOTTEGA_HTTP_BODY_TIMEOUT", "200ms")]).await;
    let mut socket = TcpStream::connect(house.addr).await.unwrap();
    let token = house.token();
    let head = format!(
        "POST /v1/files?name=still HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {token}\r\n\
         content-length: 1000\r\n\r\nhalf"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 64];
    socket.read_exact(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    let upload = eventually("the reset", || house.file.uploads.lock().first().cloned()).await;
    assert!(!upload.whole);
}

//! Nonsense at the gateway: a clear answer every time, and never a 500.

use std::io::{Read, Write};
use std::net::TcpStream;

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{App, Reply, User};

fn order(image: &Value) -> Value {
    json!({"kind": "IMAGE", "image": image})
}

#[tokio::test]
async fn fields_are_checked_and_named() {
    let app = App::start().await;
    let user = app.user().await;
    let long = "x".repeat(10_001);
    let cases = [
        (order(&json!({"prompt": ""})), "image.prompt"),
        (order(&json!({"prompt": "   "})), "image.prompt"),
        (order(&json!({"prompt": long})), "image.prompt"),
        (
            order(&json!({"prompt": "a", "negativePrompt": long})),
            "image.negativePrompt",
        ),
        (order(&json!({"prompt": "a", "width": 0})), "image.width"),
        (
            order(&json!({"prompt": "a", "width": 12_345})),
            "image.width",
        ),
        (
            order(&json!({"prompt": "a", "width": 1001, "height": 64})),
            "image.width",
        ),
        (order(&json!({"prompt": "a", "height": -8})), "image.height"),
        (
            order(&json!({"prompt": "a", "width": "wide"})),
            "image.width",
        ),
        (order(&json!({"prompt": "a", "seed": -1})), "image.seed"),
        (
            order(&json!({"prompt": "a", "provider": "nobody"})),
            "image.provider",
        ),
        (
            order(&json!({"prompt": "a", "inputFileIds": ["x"]})),
            "image.inputFileIds[0]",
        ),
        (order(&json!({"prompt": "a", "promt": "b"})), "image.promt"),
        (json!({"kind": "IMAGE"}), "image"),
        (json!({"image": {"prompt": "a"}}), "kind"),
        (
            json!({"kind": "SCULPTURE", "image": {"prompt": "a"}}),
            "kind",
        ),
        (
            json!({"kind": "IMAGE", "image": {"prompt": "a"}, "sessionId": "mine"}),
            "sessionId",
        ),
        (
            json!({"kind": "IMAGE", "image": {"prompt": "a"}, "tier": "pro"}),
            "tier",
        ),
    ];
    for (body, field) in cases {
        user.post("/v1/generations", &body)
            .await
            .expect_field(field);
    }
    user.settled(0).await;
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let app = App::start().await;
    let body = json!({"email": "nobody", "password": "short", "displayName": "x".repeat(101)});
    let request = app
        .http
        .post(format!("{}/v1/auth/register", app.url))
        .json(&body);
    let reply = Reply::of(request).await;
    reply.expect_error(400, "INVALID_FIELD");
    let mut fields = reply.violated_fields();
    fields.sort();
    assert_eq!(fields, ["displayName", "email", "password"]);
}

#[tokio::test]
async fn lists_check_their_pages() {
    let app = App::start().await;
    let user = app.user().await;
    for (query, field) in [
        ("pageSize=101", "pageSize"),
        ("pageSize=-1", "pageSize"),
        ("pageSize=many", "pageSize"),
        ("pageToken=zzz", "pageToken"),
        ("status=SLEEPING", "status"),
        ("sort=up", "sort"),
    ] {
        user.get(&format!("/v1/generations?{query}"))
            .await
            .expect_field(field);
    }
    user.get("/v1/files?sessionId=mine")
        .await
        .expect_field("sessionId");
}

#[tokio::test]
async fn a_token_is_needed_and_must_be_good() {
    let app = App::start().await;
    let mut user = app.user().await;
    app.get("/v1/usage")
        .await
        .expect_error(401, "UNAUTHENTICATED");
    assert_eq!(
        app.get("/v1/usage").await.header("www-authenticate"),
        "Bearer"
    );
    let (head, signature) = user.token.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
    for token in ["", "nonsense", &forged, &user.refresh_token.clone()] {
        token.clone_into(&mut user.token);
        user.get("/v1/usage")
            .await
            .expect_error(401, "UNAUTHENTICATED");
    }
    let login = json!({"email": user.email, "password": "not the password"});
    let reply = Reply::of(
        app.http
            .post(format!("{}/v1/auth/login", app.url))
            .json(&login),
    )
    .await;
    reply.expect_error(401, "INVALID_CREDENTIALS");
}

#[tokio::test]
async fn tokens_expire() {
    let app = App::start_with(&[("BOTTEGA_AUTH_ACCESS_TOKEN_TTL", "1s")]).await;
    let user = app.user().await;
    user.get("/v1/usage").await.expect(200);
    let started = std::time::Instant::now();
    while user.get("/v1/usage").await.status == 200 {
        assert!(
            started.elapsed().as_secs() < 90,
            "an expired token is still taken"
        );
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    user.get("/v1/usage")
        .await
        .expect_error(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn what_is_not_yours_does_not_exist() {
    let app = App::start().await;
    let (owner, other) = (app.user().await, app.user().await);
    let png = testkit::pictures::png(8, 8);
    let file = owner
        .upload("a.png", "image/png", png)
        .await
        .expect(201)
        .json();
    let file = file["id"].as_str().unwrap();
    let generation = owner.generate("mine").await;
    for path in [
        format!("/v1/files/{file}"),
        format!("/v1/files/{file}/content"),
        format!("/v1/generations/{generation}"),
        format!("/v1/generations/{generation}/events"),
    ] {
        other.get(&path).await.expect_error(404, "NOT_FOUND");
    }
    other
        .delete(&format!("/v1/files/{file}"))
        .await
        .expect_error(404, "NOT_FOUND");
    let cancel = format!("/v1/generations/{generation}:cancel");
    other
        .post(&cancel, &json!({}))
        .await
        .expect_error(404, "NOT_FOUND");
    let steal = order(&json!({"prompt": "a", "width": 64, "height": 64, "inputFileIds": [file]}));
    other
        .post("/v1/generations", &steal)
        .await
        .expect_error(404, "NOT_FOUND");
    for list in ["/v1/files", "/v1/generations"] {
        let page = other.get(list).await.expect(200).text();
        assert!(
            !page.contains(file) && !page.contains(&generation),
            "{page}"
        );
    }
    owner.get(&format!("/v1/files/{file}")).await.expect(200);
    other.settled(0).await;
}

#[tokio::test]
async fn routes_and_methods() {
    let app = App::start().await;
    let user = app.user().await;
    user.get("/v1/nothing")
        .await
        .expect_error(404, "UNKNOWN_ROUTE");
    // In the words of Connect, whose path it is: the gateway has no such rpc.
    let reply = user.get("/bottega.usage.v1.UsageService/Reserve").await;
    assert_eq!(reply.status, 404);
    assert_eq!(reply.json()["code"], "unimplemented");
    assert_eq!(
        reply.json()["details"][0]["debug"]["reason"],
        "UNKNOWN_ROUTE"
    );
    let reply = Reply::of(user.request(Method::PUT, "/v1/generations")).await;
    reply.expect_error(405, "METHOD_NOT_ALLOWED");
    let allow = reply.header("allow");
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
    user.get("/v1/files/%zz")
        .await
        .expect_error(400, "INVALID_REQUEST");
}

#[tokio::test]
async fn bodies_that_are_no_json() {
    let app = App::start().await;
    let user = app.user().await;
    for body in [
        "",
        "{",
        "[]",
        "null",
        "\"a\"",
        "{\"kind\":\"IMAGE\"} x",
        "\u{feff}{}",
        "{'a':1}",
    ] {
        let request = user
            .request(Method::POST, "/v1/generations")
            .header("content-type", "application/json")
            .body(body.to_owned());
        let reply = Reply::of(request).await;
        assert_eq!(reply.status, 400, "{body:?}: {}", reply.text());
    }
    let request = user
        .request(Method::POST, "/v1/generations")
        .header("content-type", "text/plain")
        .body("{}");
    Reply::of(request)
        .await
        .expect_error(415, "UNSUPPORTED_MEDIA_TYPE");
    let huge = format!("{{\"kind\":\"{}\"}}", "x".repeat(2 << 20));
    let request = user
        .request(Method::POST, "/v1/generations")
        .header("content-type", "application/json")
        .body(huge);
    Reply::of(request).await.expect_error(413, "TOO_LARGE");
}

#[tokio::test]
async fn files_that_are_no_pictures() {
    let app = App::start_with(&[("BOTTEGA_FILE_MAX_BYTES", "100000")]).await;
    let user = app.user().await;
    let text = user
        .upload("a.png", "image/png", b"hello, I am text".to_vec())
        .await;
    text.expect_error(415, "UNSUPPORTED_MEDIA_TYPE");
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec();
    user.upload("a.svg", "image/svg+xml", svg)
        .await
        .expect_error(415, "UNSUPPORTED_MEDIA_TYPE");
    let png = testkit::pictures::png(16, 16);
    let lie = user.upload("a.jpg", "image/jpeg", png.clone()).await;
    lie.expect_error(415, "UNSUPPORTED_MEDIA_TYPE");
    let half = user
        .upload("a.png", "image/png", png[..png.len() / 2].to_vec())
        .await;
    half.expect_error(422, "UNREADABLE_FILE");
    let large = user.upload("a.png", "image/png", vec![0x89; 200_000]).await;
    assert!([413, 415].contains(&large.status), "{}", large.text());
    let mut large = testkit::pictures::png(16, 16);
    large.resize(200_000, 0);
    user.upload("a.png", "image/png", large)
        .await
        .expect_error(413, "TOO_LARGE");
    assert_eq!(
        user.get("/v1/files").await.expect(200).json()["files"],
        json!([])
    );
}

/// Says it brings more than it does, then hangs up.
fn cut_short(app: &App, user: &User, announced: usize, body: &[u8]) -> String {
    let address = app.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(std::time::Duration::from_secs(20)))
        .unwrap();
    let head = format!(
        "POST /v1/files?name=a.png HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {}\r\ncontent-type: image/png\r\ncontent-length: {announced}\r\nconnection: close\r\n\r\n",
        user.token
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    // The gateway may answer or hang up: either is fine, as long as no file appears.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_cut_short_leaves_no_file() {
    let app = App::start().await;
    let user = app.user().await;
    let png = testkit::pictures::png(64, 64);
    for part in [0, 1, png.len() / 2, png.len()] {
        let answer = cut_short(&app, &user, png.len() + 10, &png[..part]);
        assert!(
            !answer.contains(" 201 ") && !answer.contains(" 500 "),
            "{answer}"
        );
    }
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(
        user.get("/v1/files").await.expect(200).json()["files"],
        json!([])
    );
}

#[tokio::test]
async fn odd_paths_and_queries_never_break_it() {
    let app = App::start().await;
    let user = app.user().await;
    for path in [
        "/",
        "//",
        "/v1//files",
        "/v1/files/",
        "/v1/files/..",
        "/v1/files/%00",
        "/v1/files/%ff",
        "/v1/generations/a:cancel",
        "/v1/generations/:cancel",
        "/v1/generations?status",
        "/v1/generations?=",
        "/v1/generations?&&&",
        "/v1/generations?status=1&status=2",
        "/v1/files?sessionId=%00",
        "/v1/users/me?x=1",
        "/v1/files/00000000-0000-0000-0000-000000000000",
    ] {
        let reply = user.get(path).await;
        assert!(
            reply.status < 500,
            "{path}: {} {}",
            reply.status,
            reply.text()
        );
    }
    let nul = order(&json!({"prompt": "a\u{0}b", "width": 64, "height": 64}));
    let reply = user.post("/v1/generations", &nul).await;
    assert!(reply.status < 500, "{}", reply.text());
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let request = user
        .request(Method::POST, "/v1/generations")
        .header("content-type", "application/json")
        .body(deep);
    assert_eq!(Reply::of(request).await.status, 400);
}

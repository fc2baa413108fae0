//! Uploads and downloads.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::json;
use uuid::Uuid;

use crate::app::{App, Reply};

#[tokio::test]
async fn a_form_upload_is_a_raw_upload() {
    let app = App::start().await;
    let user = app.user().await;
    let session = Uuid::now_v7().to_string();
    let png = testkit::pictures::png(20, 10);
    let part = Part::bytes(png.clone())
        .file_name("från café.png")
        .mime_str("image/png")
        .unwrap();
    let form = Form::new()
        .text("sessionId", session.clone())
        .part("file", part);
    let reply = Reply::of(user.request(Method::POST, "/v1/files").multipart(form)).await;
    let file = reply.expect(201).json();
    assert_eq!(
        (&file["name"], &file["contentType"]),
        (&json!("från café.png"), &json!("image/png"))
    );
    assert_eq!(file["sessionId"], session);

    let raw = user
        .upload("raw.png", "image/png", png)
        .await
        .expect(201)
        .json();
    assert_eq!(raw["sha256"], file["sha256"]);
    let listed = user
        .get(&format!("/v1/files?sessionId={session}"))
        .await
        .expect(200)
        .json();
    assert_eq!(listed["files"].as_array().unwrap().len(), 1);
    assert_eq!(listed["files"][0]["id"], file["id"]);

    let empty = Form::new().text("sessionId", session);
    let reply = Reply::of(user.request(Method::POST, "/v1/files").multipart(empty)).await;
    reply.expect_field("file");
}

#[tokio::test]
async fn downloads_have_ranges_and_tags() {
    let app = App::start().await;
    let user = app.user().await;
    let png = testkit::pictures::png(300, 200);
    let file = user
        .upload("a.png", "image/png", png.clone())
        .await
        .expect(201)
        .json();
    let path = format!("/v1/files/{}/content", file["id"].as_str().unwrap());
    let whole = user.get(&path).await.expect(200);
    assert_eq!(whole.bytes, png);
    assert_eq!(whole.header("accept-ranges"), "bytes");
    assert_eq!(whole.header("x-content-type-options"), "nosniff");
    let tag = whole.header("etag").to_owned();
    assert!(tag.contains(file["sha256"].as_str().unwrap()), "{tag}");

    let with = |name: &'static str, value: String| {
        Reply::of(user.request(Method::GET, &path).header(name, value))
    };
    let part = with("range", "bytes=10-19".into()).await.expect(206);
    assert_eq!(part.bytes, png[10..20]);
    assert_eq!(
        part.header("content-range"),
        format!("bytes 10-19/{}", png.len())
    );
    assert_eq!(
        with("range", "bytes=-5".into()).await.expect(206).bytes,
        png[png.len() - 5..]
    );
    let beyond = with("range", "bytes=9999999-".into()).await;
    beyond.expect_error(416, "RANGE_NOT_SATISFIABLE");
    assert_eq!(
        beyond.header("content-range"),
        format!("bytes */{}", png.len())
    );
    let same = with("if-none-match", tag).await.expect(304);
    assert!(same.bytes.is_empty());

    let head = Reply::of(user.request(Method::HEAD, &path))
        .await
        .expect(200);
    assert_eq!(head.header("content-length"), png.len().to_string());
}

#[tokio::test]
async fn pages_follow_one_another() {
    let app = App::start().await;
    let user = app.user().await;
    let mut uploaded = Vec::new();
    for number in 0..5 {
        let png = testkit::pictures::png(8, 8 + number);
        let file = user
            .upload("a.png", "image/png", png)
            .await
            .expect(201)
            .json();
        uploaded.push(file["id"].clone());
    }
    uploaded.reverse();
    let mut seen = Vec::new();
    let mut token = String::new();
    loop {
        let page = user
            .get(&format!("/v1/files?pageSize=2&pageToken={token}"))
            .await
            .expect(200);
        let page = page.json();
        seen.extend(
            page["files"]
                .as_array()
                .unwrap()
                .iter()
                .map(|file| file["id"].clone()),
        );
        page["nextPageToken"]
            .as_str()
            .unwrap()
            .clone_into(&mut token);
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, uploaded, "newest first, each once");
}

#[tokio::test]
async fn a_deleted_file_is_gone() {
    let app = App::start().await;
    let user = app.user().await;
    let png = testkit::pictures::png(8, 8);
    let file = user
        .upload("a.png", "image/png", png)
        .await
        .expect(201)
        .json();
    let path = format!("/v1/files/{}", file["id"].as_str().unwrap());
    user.delete(&path).await.expect(200);
    user.get(&path).await.expect_error(404, "NOT_FOUND");
    user.get(&format!("{path}/content"))
        .await
        .expect_error(404, "NOT_FOUND");
    user.delete(&path).await.expect_error(404, "NOT_FOUND");
    assert_eq!(
        user.get("/v1/files").await.expect(200).json()["files"],
        json!([])
    );
}

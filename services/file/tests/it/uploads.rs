//! What is taken in, and what is kept of it.

use contracts::file::v1::{CreateFileRequest, ListFilesRequest};
use errors::Reason;
use ring::digest::{SHA256, digest};
use testkit::{TestDb, pictures};

use crate::support::app::TestApp;
use crate::support::user::{messages, piece_of};
use crate::support::{reason, session};

#[tokio::test]
async fn a_picture_is_kept_as_it_came() {
    for db in TestDb::both("file").await {
        let app = TestApp::start_on(db, &[]).await;
        let user = app.user();
        for (content_type, bytes) in [
            ("image/png", pictures::png(300, 200)),
            ("image/jpeg", pictures::jpeg(300, 200)),
            ("image/webp", pictures::webp(300, 200)),
        ] {
            let file = user.upload(content_type, &bytes).await.unwrap();
            assert_eq!(file.content_type, content_type);
            assert_eq!(file.size, i64::try_from(bytes.len()).unwrap());
            assert_eq!(file.sha256, hex::encode(digest(&SHA256, &bytes)));
            assert_eq!((file.width, file.height), (300, 200));
            assert!(file.created_at.is_some());
            assert_eq!(user.get(&file.id).await.unwrap(), file);
            let got = user.content(&file.id, &[]).await.unwrap();
            assert_eq!(got.bytes(), bytes);
        }
        assert_eq!(app.rows().await, (3, 0));
        assert_eq!(app.objects().len(), 3);
    }
}

#[tokio::test]
async fn pieces_may_have_any_size() {
    let app = TestApp::start().await;
    let user = app.user();
    let png = pictures::png(64, 64);
    for piece in [1, 7, 8, 4_096, png.len()] {
        let sent = messages("a.png", "image/png", &png, piece);
        let file = user.send(tokio_stream::iter(sent)).await.unwrap();
        assert_eq!(file.sha256, hex::encode(digest(&SHA256, &png)), "{piece}");
    }
    // The first message may bring no bytes, and any message may be empty.
    let mut sent = messages("a.png", "image/png", &[], 1);
    sent.extend([piece_of(&png), CreateFileRequest::default(), piece_of(&[])]);
    assert!(user.send(tokio_stream::iter(sent)).await.is_ok());
}

#[tokio::test]
async fn names_are_cleaned_and_sessions_kept() {
    let app = TestApp::start().await;
    let user = app.user();
    let png = pictures::png(8, 8);
    let mut sent = messages("../../Füchse\u{0} \u{202e}🦊.png", "", &png, 1_000);
    let own = session().to_string();
    own.clone_into(&mut sent[0].session_id);
    let file = user.send(tokio_stream::iter(sent)).await.unwrap();
    assert_eq!(file.name, "Füchse 🦊.png");
    assert_eq!(file.session_id, own);
    let sent = messages("", "image/png", &png, 1_000);
    let file = user.send(tokio_stream::iter(sent)).await.unwrap();
    assert_eq!((file.name.as_str(), file.session_id.as_str()), ("file", ""));
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    let app = TestApp::start().await;
    let user = app.user();
    let mut sent = messages("a", "image/png", &pictures::png(8, 8), 1_000);
    "mine".clone_into(&mut sent[0].session_id);
    let status = user.send(tokio_stream::iter(sent)).await.unwrap_err();
    let fault = errors::from_status(status);
    assert_eq!(fault.violations[0].field, "sessionId");

    let service = app.service_for(user.id);
    let mut sent = messages("a", "image/png", &pictures::png(8, 8), 1_000);
    "mine".clone_into(&mut sent[0].session_id);
    "é".clone_into(&mut sent[0].operation_id);
    let status = service.send(tokio_stream::iter(sent)).await.unwrap_err();
    let fields: Vec<String> = errors::from_status(status)
        .violations
        .into_iter()
        .map(|one| one.field)
        .collect();
    assert_eq!(fields, ["sessionId", "operationId"]);

    let mut sent = messages("a", "image/png", &pictures::png(8, 8), 20);
    "b".clone_into(&mut sent[1].name);
    let status = user.send(tokio_stream::iter(sent)).await.unwrap_err();
    assert_eq!(errors::from_status(status).violations[0].field, "name");
    app.expect_nothing_kept().await;
}

#[tokio::test]
async fn nothing_is_no_file() {
    let app = TestApp::start().await;
    let user = app.user();
    let status = user.upload("image/png", &[]).await.unwrap_err();
    let fault = errors::from_status(status);
    assert_eq!(fault.reason, Reason::InvalidField);
    assert_eq!(fault.violations[0].field, "content");
    let status = user.send(tokio_stream::iter([])).await.unwrap_err();
    assert_eq!(reason(status), Reason::InvalidField);
    app.expect_nothing_kept().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_operation_makes_one_file_however_often_it_runs() {
    for db in TestDb::both("file").await {
        let app = TestApp::start_on(db, &[]).await;
        let owner = app.user();
        let upload = |side: u32| {
            let service = app.service_for(owner.id);
            let mut sent = messages("out.png", "image/png", &pictures::png(side, 9), 50);
            "task-1:0".clone_into(&mut sent[0].operation_id);
            async move { service.send(tokio_stream::iter(sent)).await.unwrap() }
        };
        let made = futures::future::join_all((0..10).map(|_| upload(9))).await;
        assert!(made.iter().all(|file| file == &made[0]), "{made:?}");
        // Also later, and whatever is sent.
        assert_eq!(upload(20).await, made[0]);
        assert_eq!(app.rows().await, (1, 0));
        assert_eq!(app.objects().len(), 1);
        assert_eq!(owner.get(&made[0].id).await.unwrap(), made[0]);
    }
}

#[tokio::test]
async fn a_users_operation_is_not_honoured() {
    let app = TestApp::start().await;
    let user = app.user();
    for _ in 0..2 {
        let mut sent = messages("a.png", "image/png", &pictures::png(8, 8), 1_000);
        "mine".clone_into(&mut sent[0].operation_id);
        user.send(tokio_stream::iter(sent)).await.unwrap();
    }
    let listed = user.list(ListFilesRequest::default()).await.unwrap();
    assert_eq!(listed.files.len(), 2);
}

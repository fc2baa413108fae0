//! Looking, listing, deleting; and how the service starts and stops.

use std::time::Duration;

use contracts::file::v1::{CreateFileRequest, File, GetFileRequest, ListFilesRequest};
use errors::Reason;
use testkit::{TestDb, pictures};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::app::TestApp;
use crate::support::user::{User, messages};
use crate::support::{reason, session};

async fn upload_into(user: &User, session: &str) -> File {
    let mut sent = messages("a.png", "image/png", &pictures::png(8, 8), 1_000);
    session.clone_into(&mut sent[0].session_id);
    user.send(tokio_stream::iter(sent)).await.unwrap()
}

#[tokio::test]
async fn pages_follow_one_another() {
    for db in TestDb::both("file").await {
        let app = TestApp::start_on(db, &[]).await;
        let (user, other) = (app.user(), app.user());
        let own = session().to_string();
        let mut all = Vec::new();
        for number in 0..5 {
            let session = if number % 2 == 0 { own.as_str() } else { "" };
            all.insert(0, upload_into(&user, session).await);
        }
        upload_into(&other, &own).await;
        let mut seen = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = ListFilesRequest {
                page_size: 2,
                page_token,
                ..ListFilesRequest::default()
            };
            let page = user.list(request).await.unwrap();
            assert!(page.files.len() <= 2);
            seen.extend(page.files);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, all);
        let of_session = ListFilesRequest {
            session_id: own.clone(),
            ..ListFilesRequest::default()
        };
        let listed = user.list(of_session).await.unwrap().files;
        assert_eq!(listed.len(), 3);
        assert!(listed.iter().all(|file| file.session_id == own));
    }
}

#[tokio::test]
async fn a_deleted_file_is_gone() {
    let app = TestApp::start().await;
    let user = app.user();
    let file = user.upload("", &pictures::png(8, 8)).await.unwrap();
    user.delete(&file.id).await.unwrap();
    for refused in [
        user.get(&file.id).await.map(drop),
        user.content(&file.id, &[]).await.map(drop),
        user.delete(&file.id).await,
    ] {
        assert_eq!(reason(refused.unwrap_err()), Reason::NotFound);
    }
    let listed = user.list(ListFilesRequest::default()).await.unwrap();
    assert!(listed.files.is_empty());
}

#[tokio::test]
async fn a_deleted_file_s_bytes_go_later() {
    let settings = [
        ("BOTTEGA_FILE_PURGE_AFTER", "100ms"),
        ("BOTTEGA_FILE_SWEEP_INTERVAL", "1s"),
    ];
    let app = TestApp::start_with(&settings).await;
    let user = app.user();
    let file = user.upload("", &pictures::png(8, 8)).await.unwrap();
    user.delete(&file.id).await.unwrap();
    assert_eq!(app.objects().len(), 1);
    app.expect_nothing_kept().await;
}

#[tokio::test]
async fn bad_fields_are_named() {
    let app = TestApp::start().await;
    let user = app.user();
    for id in ["", "mine", "0b94f6a6c5d64f6c9a0e2f1d3c4b5a69", "\u{0}"] {
        for refused in [
            user.get(id).await.map(drop),
            user.content(id, &[]).await.map(drop),
            user.delete(id).await,
        ] {
            let fault = errors::from_status(refused.unwrap_err());
            assert_eq!(fault.reason, Reason::InvalidField);
            assert_eq!(fault.violations[0].field, "id", "{id:?}");
        }
    }
    let request = ListFilesRequest {
        session_id: "mine".to_owned(),
        page_size: 101,
        page_token: String::new(),
    };
    let fault = errors::from_status(user.list(request).await.unwrap_err());
    let fields: Vec<&str> = fault
        .violations
        .iter()
        .map(|one| one.field.as_str())
        .collect();
    assert_eq!(fields, ["sessionId", "pageSize"]);
}

#[tokio::test]
async fn nobody_calls_without_a_token() {
    let app = TestApp::start().await;
    let mut client = app.client();
    let request = GetFileRequest {
        id: session().to_string(),
    };
    let refused = client.get_file(request).await.unwrap_err();
    assert_eq!(reason(refused), Reason::Unauthenticated);
    let upload = tokio_stream::iter([CreateFileRequest::default()]);
    let refused = client.create_file(upload).await.unwrap_err();
    assert_eq!(reason(refused), Reason::Unauthenticated);
    let mut service = app.service_for(app.user().id);
    service.acts_for = None;
    let refused = service.list(ListFilesRequest::default()).await.unwrap_err();
    assert_eq!(reason(refused), Reason::PermissionDenied);
}

async fn readiness(app: &TestApp) -> String {
    let mut stream = tokio::net::TcpStream::connect(app.admin).await.unwrap();
    let request = b"GET /readyz HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn readiness_names_database_and_store() {
    let app = TestApp::start().await;
    let ready = readiness(&app).await;
    assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");
    assert!(ready.contains("database") && ready.contains("store"));
    std::fs::remove_dir_all(app.store()).unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let unready = readiness(&app).await;
    assert!(unready.starts_with("HTTP/1.1 503"), "{unready}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_waits_for_an_upload_under_way() {
    let app = TestApp::start().await;
    let user = app.user();
    let sent = messages("a.png", "image/png", &pictures::png(90, 90), 100);
    let slow = futures::StreamExt::then(tokio_stream::iter(sent), |message| async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        message
    });
    let upload = tokio::spawn(async move { user.send(slow).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    app.shutdown.trigger();
    assert!(upload.await.unwrap().is_ok());
    app.serving.await.unwrap();
}

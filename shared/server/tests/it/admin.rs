//! The admin server tells the truth, and tells it to the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::stage::{Stage, until};

async fn get(stage: &Stage, path: &str) -> String {
    let mut stream = TcpStream::connect(stage.admin).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn readiness_follows_the_dependencies_and_liveness_does_not() {
    let stage = Stage::open().await;
    let away = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&away);
    stage.readiness.check("database", move || {
        let away = asked.load(Ordering::SeqCst);
        async move { if away { Err("gone".to_owned()) } else { Ok(()) } }.boxed()
    });
    stage
        .readiness
        .check_optional("usage", || async { Err("gone".to_owned()) }.boxed());
    // What was reported before the checks were named is forgotten after a second.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let ready = get(&stage, "/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");
    assert!(ready.contains(r#""status":"degraded""#), "{ready}");
    assert!(
        ready.contains(r#"{"name":"database","status":"healthy"}"#),
        "{ready}"
    );

    away.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let ready = get(&stage, "/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 503"), "{ready}");
    assert!(ready.contains(r#""status":"unhealthy""#), "{ready}");
    assert!(get(&stage, "/healthz").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_draining_server_is_alive_and_not_ready() {
    let stage = Stage::open().await;
    let (mut client, order) = (stage.usage(), stage.order("sleep:600"));
    let call = tokio::spawn(async move { client.reserve(order).await });
    until(&stage.seen.started, 1).await;
    stage.shutdown.trigger();
    let ready = get(&stage, "/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 503"), "{ready}");
    assert!(ready.contains(r#""draining":true"#), "{ready}");
    assert!(get(&stage, "/healthz").await.starts_with("HTTP/1.1 200"));
    assert!(call.await.unwrap().is_ok());
    stage.close().await;
}

#[tokio::test]
async fn metrics_are_there_to_read() {
    let stage = Stage::open().await;
    assert!(stage.usage().reserve(stage.order("")).await.is_ok());
    let numbers = get(&stage, "/metrics").await;
    assert!(
        numbers.contains("grpc_server_call_duration_seconds_bucket"),
        "{numbers}"
    );
    assert!(
        numbers.contains(r#"server_connections{server="stage"}"#),
        "{numbers}"
    );
}

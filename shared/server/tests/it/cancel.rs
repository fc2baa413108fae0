//! M1a: a handler ends its work though its client has left.

use std::sync::atomic::Ordering;
use std::time::Duration;

use server::GrpcSettings;

use crate::stage::{Stage, until};

#[tokio::test]
async fn a_handler_survives_the_clients_cancel() {
    let stage = Stage::open().await;
    let mut client = stage.usage();
    let order = stage.order("sleep:300");
    let call = tokio::spawn(async move { client.reserve(order).await });
    until(&stage.seen.started, 1).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    assert_eq!(stage.seen.finished.load(Ordering::SeqCst), 0);
    until(&stage.seen.finished, 1).await;
    stage.close().await;
}

#[tokio::test]
async fn a_handler_survives_its_deadline() {
    let settings = GrpcSettings {
        deadline: Duration::from_millis(50),
        ..GrpcSettings::default()
    };
    let stage = Stage::with(settings, Duration::from_secs(2)).await;
    let status = stage
        .usage()
        .reserve(stage.order("sleep:300"))
        .await
        .unwrap_err();
    assert_eq!(status.code(), tonic::Code::DeadlineExceeded);
    until(&stage.seen.finished, 1).await;
    stage.close().await;
}

#[tokio::test]
async fn the_drain_waits_for_handlers_nobody_waits_for() {
    let stage = Stage::open().await;
    let mut client = stage.usage();
    let order = stage.order("sleep:400");
    let call = tokio::spawn(async move { client.reserve(order).await });
    until(&stage.seen.started, 1).await;
    call.abort();
    let seen = stage.seen.clone();
    stage.close().await;
    assert_eq!(seen.finished.load(Ordering::SeqCst), 1);
}

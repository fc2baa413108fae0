//! M5: a stopping server returns in time whatever its clients do.

use std::time::{Duration, Instant};

use contracts::generation::v1::WatchGenerationRequest;
use errors::{Reason, from_status};
use identity::Role;
use server::GrpcSettings;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tonic::Code;

use crate::stage::{Stage, until};
use crate::wire::PREFACE;

const DRAIN: Duration = Duration::from_secs(2);
// What a loaded machine may add; far below the eight seconds and more the default takes.
const SLACK: Duration = Duration::from_secs(3);

fn watch() -> WatchGenerationRequest {
    WatchGenerationRequest {
        id: "open".to_owned(),
        after_sequence: 0,
    }
}

#[tokio::test]
async fn streams_silence_and_half_a_preface_do_not_hold_it() {
    let stage = Stage::with(GrpcSettings::default(), DRAIN).await;
    let request = stage.request(Role::User, watch());
    let mut events = stage
        .generations()
        .watch_generation(request)
        .await
        .unwrap()
        .into_inner();
    assert!(events.message().await.unwrap().is_some());
    let silent = TcpStream::connect(stage.addr).await.unwrap();
    let mut half = TcpStream::connect(stage.addr).await.unwrap();
    half.write_all(&PREFACE[..12]).await.unwrap();
    let mut whole = TcpStream::connect(stage.addr).await.unwrap();
    whole.write_all(PREFACE).await.unwrap();

    let started = Instant::now();
    stage.close().await;
    assert!(started.elapsed() < DRAIN + SLACK);
    let status = events.message().await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(from_status(status).reason, Reason::Unavailable);
    drop((silent, half, whole));
}

#[tokio::test]
async fn a_call_under_way_is_answered_and_a_new_one_is_not() {
    let stage = Stage::with(GrpcSettings::default(), DRAIN).await;
    let (mut client, order) = (stage.usage(), stage.order("sleep:600"));
    let call = tokio::spawn(async move { client.reserve(order).await });
    until(&stage.seen.started, 1).await;
    stage.shutdown.trigger();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(
        TcpStream::connect(stage.addr).await.is_err(),
        "still listening"
    );
    assert!(call.await.unwrap().is_ok());
    stage.close().await;
}

#[tokio::test]
async fn a_call_that_never_ends_is_told_so_before_the_end() {
    let stage = Stage::with(GrpcSettings::default(), Duration::from_millis(800)).await;
    let (mut client, order) = (stage.usage(), stage.order("hang"));
    let call = tokio::spawn(async move { client.reserve(order).await });
    until(&stage.seen.started, 1).await;
    let started = Instant::now();
    stage.close().await;
    assert!(started.elapsed() < Duration::from_millis(800) + SLACK);
    assert_eq!(call.await.unwrap().unwrap_err().code(), Code::Unavailable);
}

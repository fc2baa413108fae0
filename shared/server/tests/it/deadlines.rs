//! M2: a deadline that passes is `DEADLINE_EXCEEDED`, and a stream of events has none of its own.

use std::time::Duration;

use contracts::generation::v1::WatchGenerationRequest;
use errors::{Reason, reason_of, rpc_status};
use identity::Role;
use server::GrpcSettings;
use tonic::Code;

use crate::stage::Stage;
use crate::wire::Wire;

fn hasty() -> GrpcSettings {
    GrpcSettings {
        deadline: Duration::from_millis(100),
        max_deadline: Duration::from_millis(200),
        ..GrpcSettings::default()
    }
}

fn watch(id: &str) -> WatchGenerationRequest {
    WatchGenerationRequest {
        id: id.to_owned(),
        after_sequence: 0,
    }
}

#[tokio::test]
async fn the_default_deadline() {
    let stage = Stage::with(hasty(), Duration::from_secs(1)).await;
    let status = stage
        .usage()
        .reserve(stage.order("hang"))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(
        reason_of(&rpc_status(&status)),
        Some(Reason::DeadlineExceeded)
    );
    assert!(status.metadata().contains_key("x-request-id"));
}

#[tokio::test]
async fn the_callers_deadline() {
    let stage = Stage::open().await;
    let mut wire = Wire::connect(stage.addr).await;
    let answer = wire
        .reserve(&stage, "hang", &[("grpc-timeout", "100m")])
        .await;
    assert_eq!(answer.code, Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_caller_cannot_ask_for_ever() {
    let stage = Stage::with(hasty(), Duration::from_secs(1)).await;
    let mut wire = Wire::connect(stage.addr).await;
    let answer = wire
        .reserve(&stage, "hang", &[("grpc-timeout", "99999999H")])
        .await;
    assert_eq!(answer.code, Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_deadline_that_is_none() {
    let stage = Stage::open().await;
    let mut wire = Wire::connect(stage.addr).await;
    for text in ["soon", "-1S", "1", "123456789m"] {
        let answer = wire.reserve(&stage, "", &[("grpc-timeout", text)]).await;
        assert_eq!(answer.code, Code::InvalidArgument, "{text}");
    }
}

#[tokio::test]
async fn the_handler_knows_what_is_left() {
    let stage = Stage::open().await;
    let mut client = stage.usage();
    let mut order = stage.order("time-left");
    order.set_timeout(Duration::from_secs(5));
    let left = client
        .reserve(order)
        .await
        .unwrap()
        .into_inner()
        .reservation_id;
    assert!(left.starts_with("Some(4.") || left == "Some(5s)", "{left}");
}

#[tokio::test]
async fn events_have_no_deadline_unless_the_caller_sets_one() {
    let stage = Stage::with(hasty(), Duration::from_secs(1)).await;
    let request = stage.request(Role::User, watch("open"));
    let mut events = stage
        .generations()
        .watch_generation(request)
        .await
        .unwrap()
        .into_inner();
    assert!(events.message().await.unwrap().is_some());
    let more = tokio::time::timeout(Duration::from_millis(400), events.message()).await;
    assert!(more.is_err(), "the stream ended though nothing ends it");

    let mut wire = Wire::connect(stage.addr).await;
    let code = wire
        .watch(&stage, "open", &[("grpc-timeout", "150m")])
        .await;
    assert_eq!(code, Code::DeadlineExceeded);
}

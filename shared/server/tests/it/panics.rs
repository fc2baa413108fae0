//! A panic is one call's `INTERNAL` and nobody else's trouble.

use contracts::generation::v1::WatchGenerationRequest;
use identity::Role;
use tonic::Code;

use crate::stage::Stage;

#[tokio::test]
async fn in_a_handler() {
    let stage = Stage::open().await;
    let mut client = stage.usage();
    let status = client.reserve(stage.order("panic")).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert!(
        !status.message().contains("ordered to"),
        "the panic's words stay inside"
    );
    assert!(status.metadata().contains_key("x-request-id"));
    assert!(
        client.reserve(stage.order("")).await.is_ok(),
        "the same connection works on"
    );
}

#[tokio::test]
async fn in_a_stream() {
    let stage = Stage::open().await;
    let mut client = stage.generations();
    let message = WatchGenerationRequest {
        id: "panic".to_owned(),
        after_sequence: 0,
    };
    let request = stage.request(Role::User, message);
    let mut events = client.watch_generation(request).await.unwrap().into_inner();
    assert!(events.message().await.unwrap().is_some());
    assert_eq!(events.message().await.unwrap_err().code(), Code::Internal);
    assert!(stage.usage().reserve(stage.order("")).await.is_ok());
}

//! Reflection through the gateway's port: it tells of what can be called here.

use futures::{StreamExt, stream};
use tonic::{Code, Status};
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

use super::{channel, reason_of};
use crate::house::House;

async fn ask(house: &House, question: MessageRequest) -> Result<MessageResponse, Status> {
    let mut client = ServerReflectionClient::new(channel(house).await);
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(question),
    };
    let answers = client
        .server_reflection_info(stream::iter([request]))
        .await?;
    let answer: Option<Result<ServerReflectionResponse, Status>> =
        answers.into_inner().next().await;
    Ok(answer.unwrap()?.message_response.unwrap())
}

#[tokio::test]
async fn services_are_listed_and_described() {
    let house = House::open().await;
    let list = MessageRequest::ListServices(String::new());
    let MessageResponse::ListServicesResponse(list) = ask(&house, list).await.unwrap() else {
        panic!("not a list")
    };
    let names: Vec<&str> = list.service.iter().map(|one| one.name.as_str()).collect();
    assert!(names.contains(&"bottega.file.v1.FileService"), "{names:?}");
    assert!(!names.contains(&"grpc.health.v1.Health"), "{names:?}");
    let symbol = "bottega.generation.v1.GenerationService".to_owned();
    let symbol = MessageRequest::FileContainingSymbol(symbol);
    let described = ask(&house, symbol).await.unwrap();
    assert!(matches!(
        described,
        MessageResponse::FileDescriptorResponse(_)
    ));
}

#[tokio::test]
async fn it_can_be_switched_off_and_counts() {
    let off = House::with(&[("BOTTEGA_GRPC_REFLECTION", "off")]).await;
    let list = || MessageRequest::ListServices(String::new());
    let refused = ask(&off, list()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
    let on = [
        ("BOTTEGA_RATE_LIMITS", "on"),
        ("BOTTEGA_RATE_ANONYMOUS", "1/min"),
    ];
    let house = House::with(&on).await;
    assert!(ask(&house, list()).await.is_ok());
    let second = ask(&house, list()).await.unwrap_err();
    assert_eq!(reason_of(&second), Some(errors::Reason::RateLimited));
}

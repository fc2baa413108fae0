//! M12: the server describes itself in both versions of the protocol, and tells its health.

use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::{v1, v1alpha};

use crate::stage::Stage;

const USAGE: &str = "bottega.usage.v1.UsageService";

#[tokio::test]
async fn version_1() {
    use v1::server_reflection_request::MessageRequest;
    use v1::server_reflection_response::MessageResponse;

    let stage = Stage::open().await;
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(stage.channel());
    let ask = |question| v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(question),
    };
    let questions = [
        ask(MessageRequest::ListServices(String::new())),
        ask(MessageRequest::FileContainingSymbol(USAGE.to_owned())),
    ];
    let questions = tokio_stream::iter(questions);
    let mut answers = client
        .server_reflection_info(questions)
        .await
        .unwrap()
        .into_inner();
    let list = answers.message().await.unwrap().unwrap().message_response;
    let Some(MessageResponse::ListServicesResponse(list)) = list else {
        panic!("{list:?}");
    };
    let names: Vec<&str> = list.service.iter().map(|one| one.name.as_str()).collect();
    assert!(
        names.contains(&USAGE) && names.contains(&"grpc.health.v1.Health"),
        "{names:?}"
    );
    assert!(
        !names.contains(&"bottega.file.v1.FileService"),
        "not of this server"
    );
    let file = answers.message().await.unwrap().unwrap().message_response;
    assert!(
        matches!(file, Some(MessageResponse::FileDescriptorResponse(_))),
        "{file:?}"
    );
}

#[tokio::test]
async fn version_1_alpha() {
    use v1alpha::server_reflection_request::MessageRequest;
    use v1alpha::server_reflection_response::MessageResponse;

    let stage = Stage::open().await;
    let mut client =
        v1alpha::server_reflection_client::ServerReflectionClient::new(stage.channel());
    let question = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::FileContainingSymbol(USAGE.to_owned())),
    };
    let questions = tokio_stream::iter([question]);
    let mut answers = client
        .server_reflection_info(questions)
        .await
        .unwrap()
        .into_inner();
    let file = answers.message().await.unwrap().unwrap().message_response;
    assert!(
        matches!(file, Some(MessageResponse::FileDescriptorResponse(_))),
        "{file:?}"
    );
}

#[tokio::test]
async fn health_of_each_service() {
    let stage = Stage::open().await;
    let mut client = HealthClient::new(stage.channel());
    for service in ["", USAGE, "bottega.auth.v1.AuthService"] {
        let question = HealthCheckRequest {
            service: service.to_owned(),
        };
        let answer = client.check(question).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service}");
    }
    let question = HealthCheckRequest {
        service: "acme.v1.Anvil".to_owned(),
    };
    let status = client.check(question).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::NotFound);
}

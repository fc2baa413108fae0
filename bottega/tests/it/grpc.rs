//! The services over gRPC, as internal services and grpcurl see them.

use bytes::Bytes;
use contracts::auth::v1::auth_service_client::AuthServiceClient;
use contracts::auth::v1::{LoginRequest, RegisterRequest};
use contracts::errors::v1::Reason;
use contracts::file::v1::file_service_client::FileServiceClient;
use contracts::file::v1::{CreateFileRequest, GetFileRequest};
use contracts::generation::v1::generation_service_client::GenerationServiceClient;
use contracts::generation::v1::{
    CreateGenerationRequest, GetGenerationRequest, ImageSpec, WatchGenerationRequest, generation,
    generation_event,
};
use contracts::google::api::HttpBody;
use contracts::usage::v1::usage_service_client::UsageServiceClient;
use contracts::usage::v1::{GetUsageRequest, ReserveRequest};
use tokio_stream::StreamExt;
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::app::raw::Raw;
use crate::app::{App, User, user};

/// A request with the user's token.
fn signed<T>(user: &User, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let token = format!("Bearer {}", user.token).parse().unwrap();
    request.metadata_mut().insert("authorization", token);
    request
}

fn order(prompt: &str, width: i32) -> CreateGenerationRequest {
    CreateGenerationRequest {
        kind: generation::Kind::Image.into(),
        image: Some(ImageSpec {
            prompt: prompt.to_owned(),
            width: Some(width),
            height: Some(64),
            ..ImageSpec::default()
        }),
        ..CreateGenerationRequest::default()
    }
}

#[track_caller]
fn assert_reason(status: Status, code: Code, reason: Reason) -> errors::Fault {
    assert_eq!(status.code(), code, "{status:?}");
    let fault = errors::from_status(status);
    assert_eq!(fault.reason, reason, "{fault:?}");
    fault
}

#[tokio::test]
async fn the_main_job_without_the_gateway() {
    let app = App::start().await;
    let mut auth = AuthServiceClient::new(app.channel("auth").await);
    let register = RegisterRequest {
        email: "grpc@example.com".to_owned(),
        password: user::PASSWORD.to_owned(),
        display_name: String::new(),
    };
    auth.register(register.clone()).await.unwrap();
    let again = auth.register(register).await.unwrap_err();
    assert_reason(again, Code::AlreadyExists, Reason::EmailTaken);
    let login = LoginRequest {
        email: "grpc@example.com".to_owned(),
        password: "wrong wrong".to_owned(),
    };
    let refused = auth.login(login).await.unwrap_err();
    assert_reason(refused, Code::Unauthenticated, Reason::InvalidCredentials);

    let user = app.user().await;
    let mut generations = GenerationServiceClient::new(app.channel("generation").await);
    let made = generations
        .create_generation(signed(&user, order("a lamp", 64)))
        .await
        .unwrap();
    let id = made.into_inner().generation.unwrap().id;
    let watch = WatchGenerationRequest {
        id: id.clone(),
        after_sequence: 0,
    };
    let mut events = generations
        .watch_generation(signed(&user, watch))
        .await
        .unwrap()
        .into_inner();
    let mut last = None;
    while let Some(event) = events.next().await {
        last = event.unwrap().event;
    }
    assert_eq!(last.unwrap().r#type(), generation_event::Type::Completed);
    let got = generations
        .get_generation(signed(&user, GetGenerationRequest { id }))
        .await
        .unwrap();
    assert_eq!(got.into_inner().generation.unwrap().outputs.len(), 1);
    // The quota holds for those who do not pass the gateway, too.
    user.settled(1).await;
}

#[tokio::test]
async fn the_quota_cannot_be_walked_around() {
    let app = App::start().await;
    let user = app.user().await;
    let mut generations = GenerationServiceClient::new(app.channel("generation").await);
    for _ in 0..5 {
        generations
            .create_generation(signed(&user, order("one", 64)))
            .await
            .unwrap();
    }
    let refused = generations
        .create_generation(signed(&user, order("six", 64)))
        .await
        .unwrap_err();
    let fault = assert_reason(refused, Code::ResourceExhausted, Reason::QuotaExceeded);
    assert_eq!(
        (fault.metadata["limit"].as_str(), fault.quota.len()),
        ("5", 1)
    );

    let mut forged = signed(&user, order("seven", 64));
    forged
        .metadata_mut()
        .insert("x-bottega-reservation", "made.up".parse().unwrap());
    assert!(generations.create_generation(forged).await.is_err());

    let reserve = ReserveRequest {
        owner_id: user.id.clone(),
        ..ReserveRequest::default()
    };
    let mut usage = UsageServiceClient::new(app.channel("usage").await);
    let refused = usage.reserve(signed(&user, reserve)).await.unwrap_err();
    assert_reason(refused, Code::PermissionDenied, Reason::PermissionDenied);
}

#[tokio::test]
async fn fields_are_checked_and_named() {
    let app = App::start().await;
    let user = app.user().await;
    let mut generations = GenerationServiceClient::new(app.channel("generation").await);
    for (request, field) in [
        (order("", 64), "image.prompt"),
        (order(&"x".repeat(10_001), 64), "image.prompt"),
        (order("a", 0), "image.width"),
        (order("a", 12_345), "image.width"),
        (order("a", 1001), "image.width"),
        (CreateGenerationRequest::default(), "kind"),
    ] {
        let status = generations
            .create_generation(signed(&user, request))
            .await
            .unwrap_err();
        let fault = assert_reason(status, Code::InvalidArgument, Reason::InvalidField);
        assert!(
            fault.violations.iter().any(|one| one.field == field),
            "{field}: {fault:?}"
        );
    }
}

#[tokio::test]
async fn tokens_and_owners_are_checked_by_the_services_themselves() {
    let app = App::start().await;
    let (owner, other) = (app.user().await, app.user().await);
    let mut usage = UsageServiceClient::new(app.channel("usage").await);
    let bare = usage.get_usage(GetUsageRequest {}).await.unwrap_err();
    assert_reason(bare, Code::Unauthenticated, Reason::Unauthenticated);

    let id = owner.generate("mine").await;
    let mut generations = GenerationServiceClient::new(app.channel("generation").await);
    let mut request = signed(&other, GetGenerationRequest { id });
    // Only services may say whom they act for.
    request
        .metadata_mut()
        .insert("x-bottega-owner", owner.id.parse().unwrap());
    let status = generations.get_generation(request).await.unwrap_err();
    assert_reason(status, Code::NotFound, Reason::NotFound);
}

#[tokio::test]
async fn uploads_are_checked() {
    let app = App::start().await;
    let user = app.user().await;
    let mut files = FileServiceClient::new(app.channel("file").await);
    let upload = |content_type: &str, bytes: Vec<u8>| {
        let mut first = true;
        let content_type = content_type.to_owned();
        let pieces: Vec<CreateFileRequest> = bytes
            .chunks(1000)
            .map(|piece| CreateFileRequest {
                name: if first {
                    "a.png".to_owned()
                } else {
                    String::new()
                },
                content: Some(HttpBody {
                    content_type: if std::mem::take(&mut first) {
                        content_type.clone()
                    } else {
                        String::new()
                    },
                    data: piece.to_vec(),
                    ..HttpBody::default()
                }),
                ..CreateFileRequest::default()
            })
            .collect();
        signed(&user, tokio_stream::iter(pieces))
    };
    let png = testkit::pictures::png(90, 90);
    let made = files
        .create_file(upload("image/png", png))
        .await
        .unwrap()
        .into_inner();
    let id = made.file.unwrap().id;
    let got = files
        .get_file(signed(&user, GetFileRequest { id }))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(got.file.unwrap().width, 90);

    let text = files
        .create_file(upload("image/png", b"text".to_vec()))
        .await
        .unwrap_err();
    assert_reason(text, Code::InvalidArgument, Reason::UnsupportedMediaType);
    let mut large = testkit::pictures::png(90, 90);
    large.resize(30 << 20, 0);
    let large = files
        .create_file(upload("image/png", large))
        .await
        .unwrap_err();
    assert_eq!(errors::from_status(large).reason, Reason::TooLarge);
}

#[tokio::test]
async fn every_service_tells_its_health() {
    let app = App::start().await;
    for (service, full_name) in [
        ("auth", "bottega.auth.v1.AuthService"),
        ("file", "bottega.file.v1.FileService"),
        ("generation", "bottega.generation.v1.GenerationService"),
        ("usage", "bottega.usage.v1.UsageService"),
    ] {
        let mut health = HealthClient::new(app.channel(service).await);
        let request = HealthCheckRequest {
            service: full_name.to_owned(),
        };
        let answer = health.check(request).await.unwrap().into_inner();
        assert_eq!(answer.status, 1, "{service} is serving");
        let metrics = app
            .http
            .get(format!("{}/metrics", app.admin(service)))
            .send()
            .await
            .unwrap();
        assert!(metrics.status().is_success());
        let ready = app
            .http
            .get(format!("{}/readyz", app.admin(service)))
            .send()
            .await
            .unwrap();
        assert!(
            ready.status().is_success(),
            "{service}: {:?}",
            ready.text().await
        );
    }
}

#[tokio::test]
async fn what_is_no_message_is_the_callers_fault() {
    let app = App::start().await;
    let mut client = tonic::client::Grpc::new(app.channel("auth").await);
    for bytes in [&b"\xff\xff\xff\xff"[..], b"\x0a\x02\xc3\x28", b"\x0a\x7f"] {
        client.ready().await.unwrap();
        let path = "/bottega.auth.v1.AuthService/Register".parse().unwrap();
        let request = Request::new(Bytes::from_static(bytes));
        let status = client.unary(request, path, Raw).await.unwrap_err();
        assert_reason(status, Code::InvalidArgument, Reason::InvalidRequest);
    }
}

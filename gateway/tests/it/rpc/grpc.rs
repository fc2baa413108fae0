//! gRPC without streams: the steps of the JSON API, and errors in gRPC's words.

use std::time::Duration;

use contracts::auth::v1::IssueServiceTokenRequest;
use contracts::auth::v1::auth_service_client::AuthServiceClient;
use contracts::file::v1::GetFileRequest;
use contracts::file::v1::file_service_client::FileServiceClient;
use contracts::generation::v1::generation_service_client::GenerationServiceClient;
use contracts::generation::v1::{CreateGenerationRequest, ImageSpec};
use contracts::usage::v1::ReserveRequest;
use contracts::usage::v1::usage_service_client::UsageServiceClient;
use errors::Reason;
use tonic::{Code, Request};

use super::{channel, reason_of, signed};
use crate::house::{House, eventually};

fn order(prompt: &str) -> CreateGenerationRequest {
    CreateGenerationRequest {
        image: Some(ImageSpec {
            prompt: prompt.to_owned(),
            ..ImageSpec::default()
        }),
        ..CreateGenerationRequest::default()
    }
}

fn file(id: &str) -> GetFileRequest {
    GetFileRequest { id: id.to_owned() }
}

#[tokio::test]
async fn a_call_passes_with_what_is_on_the_list() {
    let house = House::open().await;
    let mut files = FileServiceClient::new(channel(&house).await);
    let mut request = signed(&house, file("f-1"));
    for (name, value) in [
        ("x-request-id", "from-the-client"),
        ("x-bottega-owner", "somebody-else"),
        ("x-bottega-reservation", "forged"),
    ] {
        request.metadata_mut().insert(name, value.parse().unwrap());
    }
    let answer = files.get_file(request).await.unwrap();
    assert_eq!(
        answer.metadata().get("x-request-id").unwrap(),
        "from-the-client"
    );
    assert_eq!(answer.into_inner().file.unwrap().id, "f-1");
    let seen = house.file.metadata.lock().clone();
    assert_eq!(seen["x-request-id"], "from-the-client");
    assert!(seen["authorization"].starts_with("Bearer "));
    assert!(!seen.keys().any(|name| name.starts_with("x-bottega")));
}

#[tokio::test]
async fn an_order_takes_a_unit_and_gives_it_back() {
    let house = House::open().await;
    let mut client = GenerationServiceClient::new(channel(&house).await);
    let made = client
        .create_generation(signed(&house, order("a fox")))
        .await;
    let made = made.unwrap();
    let state = made.metadata().get("ratelimit").unwrap().to_str().unwrap();
    assert!(state.starts_with("\"generations-month\";r=4"), "{state}");
    assert_eq!(made.into_inner().generation.unwrap().id, "g-1");
    assert_eq!(house.usage.reserved.lock().len(), 1);
    assert!(house.generation.receipts.lock()[0].is_some());
    let refused = client
        .create_generation(signed(&house, order("refuse")))
        .await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(reason_of(&refused), Some(Reason::InvalidField));
    let released = eventually("the release", || {
        house.usage.released.lock().first().cloned()
    });
    assert_eq!(released.await, house.usage.reserved.lock()[1].2);
}

#[tokio::test]
async fn a_used_up_quota_is_refused_and_a_key_is_answered_again() {
    let house = House::open().await;
    let mut client = GenerationServiceClient::new(channel(&house).await);
    for _ in 0..5 {
        let made = client
            .create_generation(signed(&house, order("a fox")))
            .await;
        made.unwrap();
    }
    let refused = client
        .create_generation(signed(&house, order("a fox")))
        .await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(reason_of(&refused), Some(Reason::QuotaExceeded));
    let mut again = signed(&house, order("a fox"));
    let key = "known".parse().unwrap();
    again.metadata_mut().insert("idempotency-key", key);
    let again = client.create_generation(again).await.unwrap();
    assert_eq!(
        again.metadata().get("idempotency-replayed").unwrap(),
        "true"
    );
    assert_eq!(again.into_inner().generation.unwrap().id, "g-0");
}

#[tokio::test]
async fn who_may_not_call_is_refused() {
    let house = House::open().await;
    let channel = channel(&house).await;
    let mut files = FileServiceClient::new(channel.clone());
    let none = files.get_file(Request::new(file("f-1"))).await.unwrap_err();
    assert_eq!(none.code(), Code::Unauthenticated);
    assert_eq!(reason_of(&none), Some(Reason::Unauthenticated));
    let token = format!("Bearer {}", house.issuer.service_token("generation"));
    let mut service = Request::new(file("f-1"));
    let name = house.user.to_string().parse().unwrap();
    service.metadata_mut().insert("x-bottega-owner", name);
    service
        .metadata_mut()
        .insert("authorization", token.parse().unwrap());
    let service = files.get_file(service).await.unwrap_err();
    assert_eq!(service.code(), Code::PermissionDenied);
    let mut usage = UsageServiceClient::new(channel.clone());
    let reserve = usage
        .reserve(signed(&house, ReserveRequest::default()))
        .await;
    let mut auth = AuthServiceClient::new(channel);
    let issue = signed(&house, IssueServiceTokenRequest::default());
    let issue = auth.issue_service_token(issue).await;
    for hidden in [reserve.unwrap_err(), issue.unwrap_err()] {
        assert_eq!(hidden.code(), Code::Unimplemented);
        assert_eq!(reason_of(&hidden), Some(Reason::UnknownRoute));
    }
    assert!(house.usage.reserved.lock().is_empty());
}

#[tokio::test]
async fn limits_of_requests_hold_here_too() {
    let on = [
        ("BOTTEGA_RATE_LIMITS", "on"),
        ("BOTTEGA_RATE_USER", "2/min"),
    ];
    let house = House::with(&on).await;
    let mut files = FileServiceClient::new(channel(&house).await);
    let first = files.get_file(signed(&house, file("f-1"))).await.unwrap();
    assert!(first.metadata().contains_key("ratelimit"));
    // One budget, whatever is spoken.
    assert_eq!(
        house.get("/v1/files/f-1").send().await.unwrap().status(),
        200
    );
    let third = files
        .get_file(signed(&house, file("f-1")))
        .await
        .unwrap_err();
    assert_eq!(third.code(), Code::ResourceExhausted);
    assert_eq!(reason_of(&third), Some(Reason::RateLimited));
    assert!(third.metadata().contains_key("retry-after"));
    let details = errors::from_status(third);
    assert!(
        details
            .retry_after
            .is_some_and(|wait| wait > Duration::from_secs(1))
    );
}

#[tokio::test]
async fn faults_of_services_are_told_by_reason_only() {
    let house = House::open().await;
    let mut files = FileServiceClient::new(channel(&house).await);
    for (id, code, reason) in [
        ("missing", Code::NotFound, Some(Reason::NotFound)),
        ("leaky", Code::Internal, Some(Reason::Internal)),
        ("taken", Code::AlreadyExists, None),
    ] {
        let status = files.get_file(signed(&house, file(id))).await.unwrap_err();
        assert_eq!(status.code(), code, "{id}");
        assert_eq!(reason_of(&status), reason, "{id}");
        assert!(!status.message().contains("10.0.0.7"));
    }
}

#[tokio::test]
async fn a_message_may_be_as_large_as_json() {
    let house = House::open().await;
    let mut files = FileServiceClient::new(channel(&house).await);
    let large = "x".repeat(1024 * 1024);
    let status = files
        .get_file(signed(&house, file(&large)))
        .await
        .unwrap_err();
    assert_eq!(reason_of(&status), Some(Reason::TooLarge));
}

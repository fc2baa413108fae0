//! Who may call what, and on whose behalf.

use contracts::auth::v1::GetJwksRequest;
use contracts::usage::v1::{GetUsageRequest, SettleRequest};
use errors::{Reason, reason_of, rpc_status};
use identity::{Role, SigningKey};
use tonic::{Code, Request, Status};
use types::UserId;
use uuid::Uuid;

use crate::stage::{Stage, token};
use crate::wire::Wire;

fn bare<T>(message: T, authorization: &str) -> Request<T> {
    let mut request = Request::new(message);
    let value = authorization.parse().unwrap();
    request.metadata_mut().insert("authorization", value);
    request
}

fn assert_refused(status: &Status, reason: Reason) {
    assert_eq!(reason_of(&rpc_status(status)), Some(reason), "{status:?}");
    assert!(status.metadata().contains_key("x-request-id"));
}

#[tokio::test]
async fn a_token_that_is_none_is_none() {
    let stage = Stage::open().await;
    let stranger = SigningKey::generate().0;
    let mut client = stage.usage();
    let status = client.get_usage(GetUsageRequest {}).await.unwrap_err();
    assert_refused(&status, Reason::Unauthenticated);
    let basic = format!("Basic {}", stage.token(Role::User));
    let foreign = format!("Bearer {}", token(&stranger, Role::User));
    for authorization in ["Bearer", "Bearer ", "x", "Bearer a.b.c", &basic, &foreign] {
        let request = bare(GetUsageRequest {}, authorization);
        let status = client.get_usage(request).await.unwrap_err();
        assert_refused(&status, Reason::Unauthenticated);
    }
    let twice = &mut stage.request(Role::User, GetUsageRequest {});
    let second = twice.metadata().get("authorization").unwrap().clone();
    twice.metadata_mut().append("authorization", second);
    let request = std::mem::replace(twice, Request::new(GetUsageRequest {}));
    let status = client.get_usage(request).await.unwrap_err();
    assert_refused(&status, Reason::Unauthenticated);
}

#[tokio::test]
async fn what_is_for_users() {
    let stage = Stage::open().await;
    let mut client = stage.usage();
    for role in [Role::User, Role::Admin] {
        let request = stage.request(role, GetUsageRequest {});
        assert!(client.get_usage(request).await.is_ok(), "{role:?}");
    }
    let request = stage.request(Role::Service, GetUsageRequest {});
    let status = client.get_usage(request).await.unwrap_err();
    assert_refused(&status, Reason::PermissionDenied);
}

#[tokio::test]
async fn what_is_for_services() {
    let stage = Stage::open().await;
    let mut client = stage.usage();
    let settle = SettleRequest::default;
    for role in [Role::User, Role::Admin] {
        let status = client
            .settle(stage.request(role, settle()))
            .await
            .unwrap_err();
        assert_refused(&status, Reason::PermissionDenied);
    }
    assert!(
        client
            .settle(stage.request(Role::Service, settle()))
            .await
            .is_ok()
    );
    let status = client.settle(settle()).await.unwrap_err();
    assert_refused(&status, Reason::Unauthenticated);
}

#[tokio::test]
async fn what_is_for_anybody() {
    let stage = Stage::open().await;
    let mut client = stage.auth();
    let mut who = async |request| {
        let answer = client.get_jwks(request).await.unwrap().into_inner();
        answer.keys[1].kid.clone()
    };
    assert_eq!(who(Request::new(GetJwksRequest {})).await, "nobody");
    assert_eq!(
        who(stage.request(Role::User, GetJwksRequest {})).await,
        "user"
    );
    assert_eq!(who(bare(GetJwksRequest {}, "Bearer a.b.c")).await, "nobody");
}

#[tokio::test]
async fn a_service_acts_for_the_user_it_names() {
    let stage = Stage::open().await;
    let owner = UserId(Uuid::now_v7());
    let mut request = stage.request(Role::Service, GetUsageRequest {});
    let metadata = request.metadata_mut();
    metadata.insert("x-bottega-owner", owner.to_string().parse().unwrap());
    metadata.insert("x-bottega-tier", "pro".parse().unwrap());
    let answer = stage.usage().get_usage(request).await.unwrap().into_inner();
    assert_eq!(answer.tier, format!("{owner}/pro/false"));

    let mut request = stage.request(Role::Service, GetUsageRequest {});
    request
        .metadata_mut()
        .insert("x-bottega-owner", "me".parse().unwrap());
    let status = stage.usage().get_usage(request).await.unwrap_err();
    assert_refused(&status, Reason::InvalidRequest);
}

#[tokio::test]
async fn a_user_cannot_act_for_another() {
    let stage = Stage::open().await;
    let victim = Uuid::now_v7().to_string();
    for role in [Role::User, Role::Admin] {
        let mut request = stage.request(role, GetUsageRequest {});
        let metadata = request.metadata_mut();
        metadata.insert("x-bottega-owner", victim.parse().unwrap());
        metadata.insert("x-bottega-tier", "pro".parse().unwrap());
        let answer = stage.usage().get_usage(request).await.unwrap().into_inner();
        assert!(!answer.tier.contains(&victim), "{}", answer.tier);
        assert!(answer.tier.ends_with("/free/false"), "{}", answer.tier);
    }
}

#[tokio::test]
async fn what_does_not_exist() {
    let stage = Stage::open().await;
    let mut wire = Wire::connect(stage.addr).await;
    for rpc in [
        "bottega.usage.v1.UsageService/Nothing",
        "bottega.file.v1.FileService/GetFile",
        "acme.v1.Anvil/Drop",
        "",
        "bottega.usage.v1.UsageService/Settle/",
    ] {
        let answer = wire.call(rpc, &[], Vec::new()).await;
        assert_eq!(answer.code, Code::Unimplemented, "{rpc}");
        assert!(answer.headers.contains_key("x-request-id"));
    }
}

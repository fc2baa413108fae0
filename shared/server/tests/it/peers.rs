//! One service calls another: its token, its keys, and what travels with the call.

use std::sync::atomic::Ordering;
use std::time::Duration;

use contracts::usage::v1::{GetUsageRequest, ReserveRequest};
use errors::Reason;
use identity::{Credentials, RemoteKeys, Role, Verifier};
use secrecy::SecretString;
use telemetry::{RequestContext, context};
use tokio::time::Instant;
use types::UserId;
use uuid::Uuid;

use crate::stage::Stage;
use crate::stage::auth::SECRET;

fn credentials(stage: &Stage, secret: &str) -> Credentials {
    Credentials::new(
        "gateway",
        stage.channel(),
        SecretString::from(secret.to_owned()),
    )
}

#[tokio::test]
async fn keys_come_from_the_auth_service() {
    let stage = Stage::open().await;
    let verifier = Verifier::new(RemoteKeys::new(stage.channel()));
    let caller = verifier.verify(&stage.token(Role::Admin)).await.unwrap();
    assert_eq!(caller.role, Role::Admin);
}

#[tokio::test]
async fn many_first_calls_fetch_one_token() {
    let stage = Stage::open().await;
    let credentials = credentials(&stage, SECRET);
    let calls = (0..20).map(|_| {
        let credentials = credentials.clone();
        tokio::spawn(async move { credentials.request(None, ()).await.is_ok() })
    });
    for call in calls.collect::<Vec<_>>() {
        assert!(call.await.unwrap());
    }
    assert_eq!(stage.seen.started.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_owner_travels() {
    let stage = Stage::open().await;
    let owner = UserId(Uuid::now_v7());
    let credentials = credentials(&stage, SECRET);
    let request = credentials.request(Some((owner, "basic")), GetUsageRequest {});
    let answer = stage
        .usage()
        .get_usage(request.await.unwrap())
        .await
        .unwrap();
    assert_eq!(answer.into_inner().tier, format!("{owner}/basic/false"));
}

#[tokio::test]
async fn the_id_and_the_deadline_travel() {
    let stage = Stage::open().await;
    let credentials = credentials(&stage, SECRET);
    let mut current = RequestContext::with_id(Some("abc"));
    current.deadline = Some(Instant::now() + Duration::from_secs(5));
    let ask = |what: &str| ReserveRequest {
        operation_id: what.to_owned(),
        ..ReserveRequest::default()
    };
    let calls = async {
        let request = credentials.request(None, ask("request-id")).await.unwrap();
        let id = stage
            .usage()
            .reserve(request)
            .await
            .unwrap()
            .into_inner()
            .reservation_id;
        assert_eq!(id, "abc");
        let request = credentials.request(None, ask("time-left")).await.unwrap();
        let left = stage
            .usage()
            .reserve(request)
            .await
            .unwrap()
            .into_inner()
            .reservation_id;
        assert!(left.starts_with("Some(4."), "{left}");
    };
    context::scope(current, calls).await;
}

#[tokio::test]
async fn nothing_is_sent_for_a_caller_that_has_left() {
    let stage = Stage::open().await;
    let credentials = credentials(&stage, SECRET);
    let mut current = RequestContext::fresh();
    current.deadline = Some(Instant::now());
    let fault = context::scope(current, credentials.request(None, ()))
        .await
        .unwrap_err();
    assert_eq!(fault.reason, Reason::DeadlineExceeded);
}

#[tokio::test]
async fn a_wrong_secret_and_a_silent_auth_service() {
    let stage = Stage::open().await;
    let fault = credentials(&stage, "guessed")
        .request(None, ())
        .await
        .unwrap_err();
    assert_eq!(fault.reason, Reason::Unavailable);
    let nowhere = server::connect("127.0.0.1:1").unwrap();
    let secret = SecretString::from(SECRET.to_owned());
    let fault = Credentials::new("file", nowhere, secret)
        .request(None, ())
        .await
        .unwrap_err();
    assert_eq!(fault.reason, Reason::Unavailable);
}

#[tokio::test]
async fn an_auth_service_that_does_not_answer_is_not_waited_for_by_each_in_turn() {
    // Takes connections and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = silent.local_addr().unwrap().to_string();
    let secret = SecretString::from(SECRET.to_owned());
    let credentials = Credentials::new("file", server::connect(&addr).unwrap(), secret);
    let started = Instant::now();
    let calls = (0..10).map(|_| {
        let credentials = credentials.clone();
        tokio::spawn(async move { credentials.request(None, ()).await.is_err() })
    });
    for call in calls.collect::<Vec<_>>() {
        assert!(call.await.unwrap());
    }
    assert!(
        started.elapsed() < Duration::from_secs(8),
        "one question takes three seconds"
    );
}

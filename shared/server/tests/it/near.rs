//! A service in the same process is called straight, and the call is the same as over a connection.

use std::sync::atomic::Ordering;
use std::time::Duration;

use contracts::generation::v1::WatchGenerationRequest;
use contracts::generation::v1::generation_service_client::GenerationServiceClient;
use contracts::usage::v1::ReserveRequest;
use contracts::usage::v1::usage_service_client::UsageServiceClient;
use identity::Role;
use server::{GrpcSettings, Link, Sockets};
use tonic::Code;

use crate::stage::{Stage, anywhere, until};

const DRAIN: Duration = Duration::from_secs(2);

async fn near() -> Stage {
    let sockets = Sockets::bind(anywhere()).await.unwrap().near();
    let settings = GrpcSettings {
        deadline: Duration::from_millis(500),
        ..GrpcSettings::default()
    };
    Stage::on(sockets, settings, DRAIN)
}

fn link(stage: &Stage) -> Link {
    Link::to(&stage.addr.to_string()).unwrap()
}

// Without a token when the order says so.
async fn ask(
    stage: &Stage,
    client: &mut UsageServiceClient<Link>,
    what: &str,
) -> Result<String, Code> {
    let request = match what {
        "nobody" => tonic::Request::new(ReserveRequest::default()),
        "a user" => stage.request(Role::User, ReserveRequest::default()),
        _ => stage.order(what),
    };
    let answer = client.reserve(request).await;
    answer
        .map(|answer| answer.into_inner().reservation_id)
        .map_err(|status| status.code())
}

#[tokio::test]
async fn a_call_is_the_same_either_way() {
    let (near, far) = (near().await, Stage::open().await);
    // The server listens, and lists itself, in a task of its own.
    until_listed(&near).await;
    let mut straight = UsageServiceClient::new(link(&near));
    let mut connected = UsageServiceClient::new(link(&far));
    assert_eq!(ask(&near, &mut straight, "from").await.unwrap(), "");
    let from = ask(&far, &mut connected, "from").await;
    assert_eq!(from.unwrap(), "127.0.0.1");
    for what in ["", "nobody", "a user", "fail", "panic"] {
        let outcome = ask(&near, &mut straight, what).await;
        assert_eq!(outcome, ask(&far, &mut connected, what).await, "{what}");
    }
    let late = ask(&near, &mut straight, "hang").await;
    assert_eq!(late, Err(Code::DeadlineExceeded));
    let mut hurried = near.order("hang");
    hurried.set_timeout(Duration::from_millis(20));
    let status = straight.reserve(hurried).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    near.close().await;
    far.close().await;
}

#[tokio::test]
async fn handlers_and_streams_hear_that_the_caller_left_or_the_server_stops() {
    let stage = near().await;
    until_listed(&stage).await;
    let begun = stage.seen.started.load(Ordering::SeqCst);
    let mut client = UsageServiceClient::new(link(&stage));
    let order = stage.order("sleep:300");
    let call = tokio::spawn(async move { client.reserve(order).await });
    until(&stage.seen.started, begun + 1).await;
    call.abort();
    // It ends its work all the same.
    until(&stage.seen.finished, begun + 1).await;

    let mut watcher = GenerationServiceClient::new(link(&stage));
    let watch = WatchGenerationRequest {
        id: "open".to_owned(),
        after_sequence: 0,
    };
    let events = watcher.watch_generation(stage.request(Role::User, watch));
    let mut events = events.await.unwrap().into_inner();
    assert!(events.message().await.unwrap().is_some());
    let mut client = UsageServiceClient::new(link(&stage));
    stage.shutdown.trigger();
    let ended = events.message().await.unwrap_err();
    assert_eq!(ended.code(), Code::Unavailable);
    let order = stage.order("");
    stage.close().await;
    let refused = client.reserve(order).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
}

// Before, it is called over the connection.
async fn until_listed(stage: &Stage) {
    let mut client = UsageServiceClient::new(link(stage));
    while ask(stage, &mut client, "from").await != Ok(String::new()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

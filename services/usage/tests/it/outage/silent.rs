//! A server that takes connections and says nothing, or says it far too late.

use std::sync::Arc;
use std::time::{Duration, Instant};

use contracts::usage::v1::GetUsageRequest;
use futures::future::join_all;
use testkit::{FaultProxy, Network, TestDb};
use tonic::Code;
use uuid::Uuid;

use super::load::{Load, reserve};
use super::{BOUND, config, hold_true, is_back, owner};
use crate::books::Books;
use crate::served::Served;

async fn goes_silent(network: Network) {
    let test = TestDb::postgres("usage").await;
    let proxy = FaultProxy::start(test.server()).await;
    let mut config = config(&test.through(proxy.addr()));
    config.database.acquire_timeout = Duration::from_secs(1);
    config.database.statement_timeout = Duration::from_secs(2);
    let served = Arc::new(Served::run(config).await);
    is_back(&served).await;
    let load = Load::start(&served);
    tokio::time::sleep(Duration::from_millis(700)).await;
    proxy.set(network);
    tokio::time::sleep(Duration::from_millis(100)).await;

    let began = Instant::now();
    let asks = (0..40).map(|_| reserve(&served, served.client(), Uuid::now_v7()));
    let look = served.as_user(owner(), "free", GetUsageRequest {});
    let mut client = served.client();
    let (asked, looked) = futures::join!(join_all(asks), client.get_usage(look));
    for code in asked.into_iter().map(|one| one.map(drop)) {
        assert_eq!(code.unwrap_err().code(), Code::Unavailable);
    }
    assert_eq!(looked.unwrap_err().code(), Code::Unavailable);
    let took = began.elapsed();
    assert!(took < BOUND, "{took:?}");
    // It lives, and is not ready.
    let began = Instant::now();
    let live = served.admin("/healthz").await;
    assert!(live.starts_with("HTTP/1.1 200"), "{live}");
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );

    proxy.set(Network::Passes);
    is_back(&served).await;
    let seen = load.stop().await;
    hold_true(&test, &seen).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_heard() {
    goes_silent(Network::Blackhole).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_answer_comes_five_seconds_late() {
    goes_silent(Network::Slow(Duration::from_secs(5))).await;
}

// As when a machine loses its power: what was under way is never answered, and no connection says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_is_gone_for_good_is_replaced() {
    let test = TestDb::postgres("usage").await;
    let proxy = FaultProxy::start(test.server()).await;
    let mut config = config(&test.through(proxy.addr()));
    config.database.acquire_timeout = Duration::from_secs(1);
    config.database.statement_timeout = Duration::from_secs(2);
    config.database.max_connections = 3;
    let served = Arc::new(Served::run(config).await);
    is_back(&served).await;
    let load = Load::start(&served);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let operator = Books::open(&test, "free:1").await;
    proxy.strand();
    // Nor does the server keep what its lost sessions had locked.
    let end = "SELECT COUNT(pg_terminate_backend(pid)) AS n FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    operator.number(end).await;
    is_back(&served).await;
    let seen = load.stop().await;
    hold_true(&test, &seen).await;
}

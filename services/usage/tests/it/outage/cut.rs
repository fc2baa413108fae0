//! Sessions that are ended in the middle of their work, and answers to commits that are lost.

use std::sync::Arc;
use std::time::Duration;

use testkit::{FaultProxy, Moment, TestDb};
use uuid::Uuid;

use super::load::{Load, reserve};
use super::{config, hold_true, is_back};
use crate::books::Books;
use crate::served::Served;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ended_sessions_are_hardly_noticed() {
    let test = TestDb::postgres("usage").await;
    let served = Arc::new(Served::run(config(&test)).await);
    is_back(&served).await;
    let operator = Books::open(&test, "free:1").await;
    let load = Load::start(&served);
    let mut ended = 0;
    for _ in 0..15 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        // One that is at work, so that somebody is hurt.
        let end =
            "SELECT COUNT(pg_terminate_backend(pid)) AS n FROM (SELECT pid FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
            ORDER BY state = 'idle', random() LIMIT 1) AS one";
        ended += operator.number(end).await;
    }
    let seen = load.stop().await;
    assert_eq!(ended, 15);
    let (refused, calls) = (seen.refused.len(), seen.calls());
    assert!(refused * 100 <= calls, "{refused} of {calls} failed");
    hold_true(&test, &seen).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_without_an_answer_is_found_done_or_not() {
    let test = TestDb::postgres("usage").await;
    let proxy = FaultProxy::start(test.server()).await;
    let served = Served::run(config(&test.through(proxy.addr()))).await;
    is_back(&served).await;
    let books = Books::open(&test, "free:1000000").await;
    let count = "SELECT COUNT(*) AS n FROM reservations";
    for moment in [Moment::Before, Moment::Forwarded, Moment::Replied] {
        let before = books.number(count).await;
        let id = Uuid::now_v7();
        let cut = proxy.once(b"COMMIT", moment, || {});
        let first = reserve(&served, served.client(), id).await;
        cut.await.unwrap();
        // Whichever it was, the service asked again: there is one, and it says so.
        let again = reserve(&served, served.client(), id).await.unwrap();
        let first = first.unwrap().into_inner().reservation_id;
        assert_eq!(again.into_inner().reservation_id, first, "{moment:?}");
        assert_eq!(books.number(count).await, before + 1, "{moment:?}");
    }
    assert_eq!(books.disagreements().await, 0);
}

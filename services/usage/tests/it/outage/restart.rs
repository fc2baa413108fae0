//! A server that is restarted under load, and one that turns read-only.

use std::sync::Arc;
use std::time::Duration;

use contracts::usage::v1::GetUsageRequest;
use testkit::TestPostgres;

use super::load::Load;
use super::{config, hold_true, is_back, owner};
use crate::served::Served;

const WHILE: Duration = Duration::from_millis(700);
// Than a call waits for a connection.
const LONGER: Duration = Duration::from_millis(3_500);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn restarted_under_load_it_has_everything() {
    let server = TestPostgres::start();
    let test = server.db("usage");
    let served = Arc::new(Served::run(config(&test)).await);
    is_back(&served).await;
    let load = Load::start(&served);
    // Back before anybody's patience ends, nobody need notice; then somebody must.
    for away in [WHILE, LONGER] {
        tokio::time::sleep(WHILE).await;
        server.kill();
        tokio::time::sleep(away).await;
        server.revive();
        is_back(&served).await;
    }
    tokio::time::sleep(WHILE).await;
    let seen = load.stop().await;
    assert!(!seen.refused.is_empty(), "nobody noticed");
    hold_true(&test, &seen).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn read_only_it_tells_and_takes_nothing() {
    let server = TestPostgres::start();
    let test = server.db("usage");
    let served = Arc::new(Served::run(config(&test)).await);
    is_back(&served).await;
    let load = Load::start(&served);
    tokio::time::sleep(WHILE).await;
    let alter = "ALTER SYSTEM SET default_transaction_read_only";
    server
        .execute(&[&format!("{alter} = on"), "SELECT pg_reload_conf()"])
        .await;
    tokio::time::sleep(WHILE).await;
    // What is there can still be seen.
    let look = served.as_user(owner(), "free", GetUsageRequest {});
    served.client().get_usage(look).await.unwrap();
    let writes = "SET default_transaction_read_only = off";
    let off = format!("{alter} = off");
    server
        .execute(&[writes, &off, "SELECT pg_reload_conf()"])
        .await;
    is_back(&served).await;
    let seen = load.stop().await;
    assert!(!seen.refused.is_empty(), "nobody noticed");
    hold_true(&test, &seen).await;
}

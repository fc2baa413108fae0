//! The database restarted, cut off, silent, slow, read-only: callers are told that nobody answers, in
//! time and in no other words, and everything that was acknowledged is there afterwards.

mod cut;
mod load;
mod restart;
mod silent;

use std::time::Duration;

use testkit::TestDb;
use tonic::Code;
use types::UserId;
use usage::Config;
use uuid::Uuid;

use crate::books::Books;
use crate::served::{Served, configure};
use load::Seen;

/// Longer than anything here may take, on a machine that has much else to do.
const BOUND: Duration = Duration::from_secs(10);

fn config(test: &TestDb) -> Config {
    let plans = [("BOTTEGA_USAGE_PLANS", "free:1000000,basic:1,pro:1")];
    let mut config = configure(test, &plans);
    config.database = test.settings();
    config.database.acquire_timeout = Duration::from_secs(2);
    config
}

fn owner() -> UserId {
    UserId(Uuid::from_u128(7))
}

/// Waits until units are set aside again.
async fn is_back(served: &Served) {
    let back = async {
        while load::reserve(served, served.client(), Uuid::now_v7())
            .await
            .is_err()
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let back = tokio::time::timeout(BOUND, back).await;
    assert!(back.is_ok(), "not back within {BOUND:?}");
}

/// Nobody was told anything but that nobody answers; what was acknowledged is there.
async fn hold_true(test: &TestDb, seen: &Seen) {
    for (code, text) in &seen.refused {
        assert_eq!(*code, Code::Unavailable, "{text}");
    }
    let books = Books::open(test, "free:1000000").await;
    let of = |state: &str| format!("SELECT COUNT(*) AS n FROM reservations WHERE state {state}");
    let lost = |ids: &[Uuid], state: &str| {
        let names: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
        let (names, count) = (names.join(", "), ids.len());
        format!(
            "SELECT {count} - ({} AND id IN ({names})) AS n",
            of(state).replace(" AS n", "")
        )
    };
    assert!(!seen.settled.is_empty(), "nothing was done at all");
    let is_any = "IS NOT NULL";
    assert_eq!(books.number(&lost(&seen.reserved, is_any)).await, 0);
    assert_eq!(books.number(&lost(&seen.settled, "= 'settled'")).await, 0);
    assert_eq!(books.disagreements().await, 0);
    let settled = books.number(&of("= 'settled'")).await;
    assert_eq!(books.recorded("1").await, settled);
}

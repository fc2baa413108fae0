//! Units are reserved before a call, given back when it was refused, and never lost in between.

use std::time::Duration;

use identity::Role;
use reqwest::Response;
use serde_json::json;

use crate::house::{House, eventually, refused};

async fn order(house: &House, prompt: &str) -> Response {
    let body = json!({"kind": "IMAGE", "image": {"prompt": prompt}});
    house
        .post("/v1/generations")
        .json(&body)
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_call_takes_a_unit_and_brings_its_receipt() {
    let house = House::open().await;
    let accepted = order(&house, "a fox").await;
    assert_eq!(accepted.status(), 202);
    let headers = accepted.headers();
    assert_eq!(
        headers["ratelimit-policy"],
        "\"generations-month\";q=5;w=2592000"
    );
    let state = headers["ratelimit"].to_str().unwrap();
    assert!(
        state.starts_with("\"generations-month\";r=4;t=3"),
        "{state}"
    );
    let reserved = house.usage.reserved.lock().clone();
    let (caller, wanted, id) = &reserved[0];
    assert_eq!(
        (caller.role, caller.subject.as_str()),
        (Role::Service, "gateway")
    );
    assert_eq!(caller.owner, Some(house.user));
    assert_eq!(
        (wanted.owner_id.as_str(), wanted.tier.as_str()),
        (&*house.user.to_string(), "free")
    );
    assert_eq!(wanted.amounts[0].amount, 1);
    let receipts = house.generation.receipts.lock().clone();
    let receipt = receipts[0]
        .as_ref()
        .expect("the receipt opens with the suite's secret");
    assert_eq!(receipt.reservation.to_string(), *id);
    assert_eq!(
        (receipt.owner, receipt.meter.as_str()),
        (house.user, "GENERATIONS")
    );
    assert!(house.usage.released.lock().is_empty());
}

#[tokio::test]
async fn a_used_up_quota_says_when_to_come_back() {
    let house = House::open().await;
    for _ in 0..5 {
        assert_eq!(order(&house, "a fox").await.status(), 202);
    }
    let over = order(&house, "a fox").await;
    let headers = over.headers().clone();
    let error = refused(over, 429, "QUOTA_EXCEEDED").await;
    let facts = &error["details"][0]["metadata"];
    assert_eq!(
        (&facts["limit"], &facts["used"]),
        (&json!("5"), &json!("5"))
    );
    assert!(facts["resetAt"].is_string());
    let wait: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((3_590..=3_600).contains(&wait), "{wait}");
    assert_eq!(
        headers["ratelimit-policy"],
        "\"generations-month\";q=5;w=2592000"
    );
    assert!(
        headers["ratelimit"]
            .to_str()
            .unwrap()
            .starts_with("\"generations-month\";r=0;t=3")
    );
    assert_eq!(
        house.generation.receipts.lock().len(),
        5,
        "the sixth was not forwarded"
    );
}

#[tokio::test]
async fn a_refused_call_gives_its_unit_back() {
    let house = House::open().await;
    *house.usage.failures.lock() = 2;
    let no = order(&house, "refuse").await;
    assert!(
        no.headers()["ratelimit"]
            .to_str()
            .unwrap()
            .contains(";r=5;")
    );
    refused(no, 400, "INVALID_FIELD").await;
    let released = eventually("the release", || {
        house.usage.released.lock().first().cloned()
    })
    .await;
    assert_eq!(released, house.usage.reserved.lock()[0].2);
}

#[tokio::test]
async fn work_that_is_not_paid_for_gives_its_unit_back() {
    let house = House::open().await;
    for (place, (prompt, status, reason)) in [
        ("dear", 402, "BUDGET_EXCEEDED"),
        ("unpriced", 503, "PRICE_UNKNOWN"),
        ("paused", 503, "SPENDING_PAUSED"),
    ]
    .into_iter()
    .enumerate()
    {
        let no = order(&house, prompt).await;
        let headers = no.headers().clone();
        // The unit is the caller's again.
        let left = format!(";r={};", 5 - place);
        let state = headers["ratelimit"].to_str().unwrap();
        assert!(state.contains(&left), "{state}");
        let error = refused(no, status, reason).await;
        if prompt == "dear" {
            assert_eq!(headers["retry-after"], "3600");
            assert_eq!(error["details"][0]["metadata"]["remaining"], "7000");
            let violation = &error["details"][1]["violations"][0];
            assert_eq!(violation["quotaId"], "MICROUSD/MONTH");
            assert_eq!(violation["quotaValue"], 5_000_000);
        }
        let released = eventually("the release", || {
            house.usage.released.lock().get(place).cloned()
        })
        .await;
        assert_eq!(released, house.usage.reserved.lock()[place].2);
    }
}

#[tokio::test]
async fn a_call_there_was_no_room_for_gives_its_unit_back() {
    let house = House::open().await;
    refused(order(&house, "crowd").await, 503, "OVERLOADED").await;
    let released = eventually("the release", || {
        house.usage.released.lock().first().cloned()
    })
    .await;
    assert_eq!(released, house.usage.reserved.lock()[0].2);
}

#[tokio::test]
async fn a_deadline_that_ends_at_the_reservation_costs_nothing() {
    let house = House::open().await;
    let request = house
        .post("/v1/generations")
        .header("grpc-timeout", "1n")
        .json(&json!({"kind": "IMAGE", "image": {"prompt": "late"}}));
    refused(request.send().await.unwrap(), 504, "DEADLINE_EXCEEDED").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let reserved = house.usage.reserved.lock().len();
    assert_eq!(house.usage.released.lock().len(), reserved);
}

#[tokio::test]
async fn an_unknown_outcome_keeps_the_unit() {
    let house = House::open().await;
    let gone = order(&house, "vanish").await;
    let error = refused(gone, 503, "UNAVAILABLE").await;
    assert_eq!(error["status"], "UNAVAILABLE");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(house.usage.released.lock().is_empty());
}

#[tokio::test]
async fn a_client_that_leaves_takes_nothing_with_it() {
    let house = House::open().await;
    let body = json!({"kind": "IMAGE", "image": {"prompt": "slow"}});
    let request = tokio::spawn(house.post("/v1/generations").json(&body).send());
    let arrived = || (house.generation.receipts.lock().len() == 1).then_some(());
    eventually("the order", arrived).await;
    assert!(!*house.generation.finished.lock());
    request.abort();
    let released = eventually("the release", || {
        house.usage.released.lock().first().cloned()
    })
    .await;
    assert_eq!(released, house.usage.reserved.lock()[0].2);
    assert!(*house.generation.finished.lock());
}

#[tokio::test]
async fn many_at_once_get_no_more_than_there_is() {
    let house = House::open().await;
    let orders = (0..40).map(|_| order(&house, "a fox"));
    let answers = futures::future::join_all(orders).await;
    let accepted = answers
        .iter()
        .filter(|answer| answer.status() == 202)
        .count();
    let refused = answers
        .iter()
        .filter(|answer| answer.status() == 429)
        .count();
    assert_eq!((accepted, refused), (5, 35));
    assert_eq!(house.generation.receipts.lock().len(), 5);
}

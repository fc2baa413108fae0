//! fal: what becomes of a request that is asked to stop, and what it cost.

use std::sync::atomic::{AtomicUsize, Ordering};

use generation::domain::provider::ErrorClass::{self, *};
use generation::domain::provider::{Spent, Stopped};
use serde_json::json;
use types::Microusd;

use crate::fal::{job, status};
use crate::order::provider;
use crate::stub::{Reply, Stub};

type Outcome = Result<Stopped, ErrorClass>;

const PRICE: Outcome = Ok(Stopped::Over(Spent {
    cost: None,
    tokens: None,
}));

fn cost(cost: i64) -> Outcome {
    Ok(Stopped::Over(Spent::money(Microusd(cost))))
}

fn gone() -> Reply {
    Reply::json(404, &json!({ "status": "NOT_FOUND" }))
}

// Asks to stop a request that stands like this: `cancel` is answered to that, then it stands like
// `after`; whoever asks for its result is answered `end`.
async fn stop(before: Reply, cancel: Reply, after: Reply, end: Reply) -> Outcome {
    let asked = AtomicUsize::new(0);
    let stub = Stub::start(move |seen| {
        let is_first = || asked.fetch_add(1, Ordering::SeqCst) == 0;
        match (seen.method.as_str(), seen.target.as_str()) {
            ("PUT", "/fal-ai/flux/requests/r-1/cancel") => cancel.clone(),
            (_, "/fal-ai/flux/requests/r-1/status") if is_first() => before.clone(),
            (_, "/fal-ai/flux/requests/r-1/status") => after.clone(),
            _ => end.clone(),
        }
    })
    .await;
    let provider = provider("fal", &stub.url, &[("FAL_TIMEOUT", "600ms")]);
    let outcome = provider.stops().unwrap().stop(&job()).await;
    let is_ours = |name: &str| stub.seen().iter().all(|seen| seen.header(name).is_some());
    assert!(is_ours("authorization"));
    outcome.map_err(|error| error.class)
}

#[tokio::test]
async fn what_goes_on_is_stopped() {
    let asked = || Reply::json(202, &json!({ "status": "CANCELLATION_REQUESTED" }));
    let late = || Reply::json(400, &json!({ "status": "ALREADY_COMPLETED" }));
    let (queued, running) = (|| status("IN_QUEUE"), || status("IN_PROGRESS"));
    let not_yet = Ok(Stopped::NotYet);
    for (place, (before, cancel, after, want)) in [
        // It waited, and is gone.
        (queued(), asked(), gone(), cost(0)),
        // It will stop.
        (queued(), asked(), queued(), not_yet),
        (running(), asked(), running(), not_yet),
        // It was at work when it vanished: nobody knows.
        (running(), asked(), gone(), not_yet),
        (gone(), asked(), gone(), Err(Ambiguous)),
        // It was quicker.
        (running(), late(), status("COMPLETED"), not_yet),
        // Asking fails.
        (
            queued(),
            Reply::json(401, &json!({})),
            queued(),
            Err(Account),
        ),
        (queued(), gone(), queued(), Err(Ambiguous)),
        (Reply::Silent, asked(), queued(), Err(Unavailable)),
    ]
    .into_iter()
    .enumerate()
    {
        let got = stop(before, cancel, after, Reply::HangUp).await;
        assert_eq!(got, want, "{place}");
    }
}

#[tokio::test]
async fn what_is_over_has_its_cost() {
    let begun = || status("COMPLETED");
    let unbegun = || Reply::json(200, &json!({ "status": "COMPLETED", "error": "cancelled" }));
    let failed = |code, kind| Reply::json(code, &json!({ "detail": "x", "error_type": kind }));
    let made = || Reply::json(200, &json!({ "images": [] }));
    for (place, (before, end, want)) in [
        (
            begun(),
            made().with("x-fal-billable-units", "1"),
            cost(3_000),
        ),
        (begun(), made(), PRICE),
        // It was stopped: before it began, and after.
        (unbegun(), failed(499, "client_cancelled"), cost(0)),
        (begun(), failed(499, "client_cancelled"), PRICE),
        // It failed, on their side.
        (begun(), failed(500, "internal_error"), cost(0)),
        // Asking fails.
        (begun(), Reply::json(503, &json!({})), Err(Unavailable)),
        (begun(), gone(), Err(Ambiguous)),
    ]
    .into_iter()
    .enumerate()
    {
        let got = stop(before, Reply::HangUp, Reply::HangUp, end).await;
        assert_eq!(got, want, "{place}");
    }
}

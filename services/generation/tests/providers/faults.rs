//! What every adapter must make of the same failures of transport and status.

use std::time::{Duration, Instant};

use generation::domain::provider::ErrorClass::{self, *};
use generation::domain::provider::ProviderError;
use serde_json::json;
use tokio::net::TcpListener;

use crate::order::{KEY, order, provider};
use crate::stub::{Reply, Stub};

const NAMES: [&str; 9] = [
    "a1111",
    "compatible",
    "gemini",
    "sdxl",
    "stability",
    "flux",
    "openai",
    "fal",
    "replicate",
];

fn check(name: &str, what: &str, error: &ProviderError, class: ErrorClass) {
    assert_eq!(error.class, class, "{name}: {what}: {error:?}");
    for told in [&error.message, &error.detail] {
        assert!(!told.contains(KEY), "{name}: {what} tells the key: {told}");
    }
    assert!(
        !error.message.contains("127.0.0.1") && !error.message.contains("hostile"),
        "{error:?}"
    );
    assert!(error.detail.chars().count() <= 500);
}

#[tokio::test]
async fn statuses_have_their_class_everywhere() {
    let page = "<html><body>hostile proxy page\n\u{1b}[31m</body></html>";
    let table: Vec<(Reply, ErrorClass)> = vec![
        (Reply::text(200, "text/html", page), InvalidOutput),
        (
            Reply::text(200, "application/json", "{\"half\":"),
            InvalidOutput,
        ),
        (Reply::text(200, "application/json", ""), InvalidOutput),
        (Reply::json(200, &json!({})), InvalidOutput),
        (Reply::json(200, &json!(["what", 7])), InvalidOutput),
        (Reply::text(204, "text/plain", ""), InvalidOutput),
        (
            Reply::text(302, "text/html", page).with("location", "http://127.0.0.1:1/"),
            Unavailable,
        ),
        (Reply::text(400, "text/html", page), Invalid),
        (Reply::text(401, "text/plain", KEY), Account),
        (
            Reply::json(402, &json!({ "name": "payment_required" })),
            Account,
        ),
        (Reply::json(403, &json!({ "detail": "no" })), Account),
        (Reply::json(404, &json!({})), Invalid),
        (Reply::json(413, &json!({})), Invalid),
        (
            Reply::json(
                422,
                &json!({ "detail": [{ "loc": ["width"], "msg": "m", "type": "t" }] }),
            ),
            Invalid,
        ),
        (Reply::text(429, "text/html", page), RateLimited),
        (Reply::json(500, &json!({})), Unavailable),
        (Reply::text(502, "text/html", page), Unavailable),
        (Reply::text(503, "text/html", page), Unavailable),
        (Reply::text(504, "text/html", page), Ambiguous),
        (Reply::text(529, "text/html", page), Unavailable),
    ];
    for name in NAMES {
        let replies = table.iter().map(|(reply, _)| reply.clone()).collect();
        let stub = Stub::in_turn(replies).await;
        let provider = provider(name, &stub.url, &[]);
        for (sent, (reply, class)) in table.iter().enumerate() {
            let error = provider.submit(&order(&*provider)).await.unwrap_err();
            check(name, &format!("{reply:?}"), &error, *class);
            assert_eq!(
                stub.seen().len(),
                sent + 1,
                "{name} sent an order more than once"
            );
        }
    }
}

#[tokio::test]
async fn waits_are_told_and_capped() {
    let table = [
        ("retry-after", "7", 7.0, 7.0),
        ("retry-after-ms", "1500", 1.5, 1.5),
        ("retry-after", "1000000000", 120.0, 120.0),
        ("retry-after", "Fri, 20 Nov 2099 12:00:00 GMT", 120.0, 120.0),
        ("x-nothing", "1", 0.0, 60.0),
    ];
    for name in NAMES {
        let replies = table
            .iter()
            .map(|(header, value, ..)| Reply::json(429, &json!({})).with(header, value));
        let stub = Stub::in_turn(replies.collect()).await;
        let provider = provider(name, &stub.url, &[]);
        for (header, value, low, high) in table {
            let error = provider.submit(&order(&*provider)).await.unwrap_err();
            check(name, value, &error, RateLimited);
            let wait = error.retry_after.unwrap_or_default().as_secs_f64();
            assert!(
                (low..=high).contains(&wait),
                "{name}: {header}: {value}: {wait}"
            );
        }
    }
}

#[tokio::test]
async fn a_cut_or_huge_answer_is_no_output() {
    for name in NAMES {
        for reply in [
            Reply::Cut(b"{\"artifacts\": [".to_vec()),
            Reply::Cut(Vec::new()),
            Reply::Boast(10 << 30),
        ] {
            let stub = Stub::always(reply.clone()).await;
            let provider = provider(name, &stub.url, &[]);
            let error = provider.submit(&order(&*provider)).await.unwrap_err();
            check(name, &format!("{reply:?}"), &error, InvalidOutput);
        }
    }
    let stub = Stub::always(Reply::Huge(80 << 20)).await;
    let provider = provider("gemini", &stub.url, &[("GEMINI_TIMEOUT", "60s")]);
    let error = provider.submit(&order(&*provider)).await.unwrap_err();
    check("gemini", "80 MiB", &error, InvalidOutput);
}

#[tokio::test]
async fn what_may_have_arrived_is_unknown() {
    for name in NAMES {
        for (reply, what) in [
            (Reply::Silent, "silent"),
            (Reply::Drip, "drip"),
            (Reply::HangUp, "hang up"),
        ] {
            let stub = Stub::always(reply).await;
            let timeout = format!("{}_TIMEOUT", name.to_uppercase());
            let provider = provider(name, &stub.url, &[(&timeout, "400ms")]);
            let start = Instant::now();
            let error = provider.submit(&order(&*provider)).await.unwrap_err();
            check(name, what, &error, Ambiguous);
            assert!(start.elapsed() < Duration::from_secs(3), "{name}: {what}");
            assert_eq!(stub.seen().len(), 1, "{name}: {what}");
        }
    }
}

#[tokio::test]
async fn what_was_surely_not_sent_may_be_sent_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for name in NAMES {
        // Nobody listens; the greeting of TLS is never answered.
        let stub = Stub::always(Reply::HangUp).await;
        let tls = stub.url.replace("http://", "https://");
        let timeout = format!("{}_TIMEOUT", name.to_uppercase());
        for url in [closed.as_str(), tls.as_str()] {
            let provider = provider(name, url, &[(&timeout, "600ms")]);
            let error = provider.submit(&order(&*provider)).await.unwrap_err();
            check(name, url, &error, Unavailable);
        }
    }
    let nowhere = provider("gemini", "http://nowhere.invalid", &[]);
    let error = nowhere.submit(&order(&*nowhere)).await.unwrap_err();
    check("gemini", "no such host", &error, Unavailable);
}

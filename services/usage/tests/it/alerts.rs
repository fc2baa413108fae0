//! Alerts reach the operator's receiver: once, signed, whatever happens to receiver and processes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use testkit::TestDb;
use types::{Clock, PageRequest};
use usage::WebhookReceiver;
use usage::domain::alert::{Alert, AlertKind};
use usage::domain::alerts::{AlertStore, Alerts, Posted};
use usage::domain::error::Error;
use usage::domain::meter::Meter;
use uuid::Uuid;
use webhooks::{Endpoint, Secrets, Sender};

use crate::books::{Books, race, user};

const PLANS: &str = "free:1000";
const KEY: &[u8] = b"thirty-two bytes for the tests..";

/// What the receiver was sent: ids, and how often.
#[derive(Clone, Default)]
struct Mailbox {
    seen: Arc<Mutex<HashMap<String, Vec<String>>>>,
    answer: Arc<AtomicU16>,
}

async fn take(State(mailbox): State<Mailbox>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let field = |name: &str| headers[name].to_str().unwrap().to_owned();
    let id = field("webhook-id");
    let mut signed = format!("{id}.{}.", field("webhook-timestamp")).into_bytes();
    signed.extend_from_slice(&body);
    let expected = format!("v1,{}", STANDARD.encode(hmac_sha256(KEY, &signed)));
    if field("webhook-signature") != expected {
        return StatusCode::FORBIDDEN;
    }
    let text = String::from_utf8(body.to_vec()).unwrap();
    mailbox
        .seen
        .lock()
        .unwrap()
        .entry(id)
        .or_default()
        .push(text);
    StatusCode::from_u16(mailbox.answer.load(Ordering::SeqCst)).unwrap()
}

// HMAC by its definition (RFC 2104), so that the sender's own is not what checks it.
fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    let digest = |parts: &[&[u8]]| {
        let mut context = ring::digest::Context::new(&ring::digest::SHA256);
        for part in parts {
            context.update(part);
        }
        context.finish().as_ref().to_vec()
    };
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let inner = digest(&[&block.map(|byte| byte ^ 0x36), message]);
    digest(&[&block.map(|byte| byte ^ 0x5c), &inner])
}

impl Mailbox {
    async fn open(&self) -> String {
        self.answer.store(204, Ordering::SeqCst);
        let router = Router::new()
            .route("/", post(take))
            .with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        #[expect(clippy::disallowed_methods, reason = "a receiver is no server of ours")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    fn count(&self) -> Vec<usize> {
        let seen = self.seen.lock().unwrap();
        seen.values().map(Vec::len).collect()
    }
}

fn alerts(books: &Books, url: Option<&str>) -> Alerts {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let secret = format!("whsec_{}", STANDARD.encode(KEY));
    let receiver = url.map(|url| {
        let endpoint = Endpoint::parse(url, false).unwrap();
        let secrets = Secrets::parse(&SecretString::from(secret)).unwrap();
        Arc::new(WebhookReceiver(Sender::new(endpoint, secrets).unwrap())) as Arc<_>
    });
    Alerts::new(books.office(), receiver, Arc::new(books.clock.clone()))
}

fn alert(books: &Books, dedupe: &str) -> Alert {
    Alert {
        id: Uuid::now_v7(),
        kind: AlertKind::Imbalance,
        dedupe: dedupe.to_owned(),
        message: "the books differ".to_owned(),
        budget: None,
        percent: 0,
        amount: 1,
        limit: 0,
        window_start: None,
        created_at: books.clock.now(),
    }
}

async fn listed(books: &Books) -> Vec<Posted> {
    let page = PageRequest::parse(0, "").unwrap();
    books.office().newest(None, page).await.unwrap().items
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_threshold_is_told_once_over_processes_and_restarts() {
    for test in TestDb::both("usage").await {
        let mailbox = Mailbox::default();
        let url = mailbox.open().await;
        let books = Books::open(&test, PLANS).await;
        // Thresholds are 50 and 100 percent.
        books.budget(("global", ""), Meter::Microusd, 100).await;
        race(10, |_| {
            let books = books.clone();
            async move { books.charge(user(), "gemini", 10).await }
        })
        .await;
        race(6, |_| {
            let alerts = alerts(&books, Some(&url));
            async move { alerts.deliver().await.unwrap() }
        })
        .await;
        assert_eq!(mailbox.count(), [1, 1], "{}", test.name());
        // Another process later has nothing to tell, not even when the money moves about the threshold.
        let again = Books::open(&test, PLANS).await;
        let id = again.held_for(user(), "gemini", 0).await;
        again.settle_at(id, 0).await;
        assert_eq!(alerts(&again, Some(&url)).deliver().await.unwrap(), 0);
        for one in listed(&again).await {
            assert_eq!((one.tries, one.delivered_at.is_some()), (1, true));
            assert!([50, 100].contains(&one.alert.percent));
        }
        let audit =
            "SELECT COUNT(*) AS n FROM audit WHERE action = 'alert.fired' AND actor = 'usage'";
        assert_eq!(again.number(audit).await, 2);
        // The next month is another happening.
        again.at(time::macros::datetime!(2026-12-01 0:00 UTC));
        again.charge(user(), "gemini", 60).await;
        assert_eq!(alerts(&again, Some(&url)).deliver().await.unwrap(), 1);
        assert_eq!(mailbox.count(), [1, 1, 1]);
    }
}

#[tokio::test]
async fn a_receiver_that_was_away_is_told_when_it_is_back() {
    for test in TestDb::both("usage").await {
        let mailbox = Mailbox::default();
        let url = mailbox.open().await;
        let books = Books::open(&test, PLANS).await;
        books.office().ring(&alert(&books, "one")).await.unwrap();
        let away = alerts(&books, Some("http://127.0.0.1:1/"));
        assert_eq!(away.deliver().await.unwrap(), 1);
        assert_eq!(away.deliver().await.unwrap(), 0);
        // Five seconds later, and a tenth more by chance.
        books.clock.advance(Duration::from_secs(6));
        mailbox.answer.store(500, Ordering::SeqCst);
        let back = alerts(&books, Some(&url));
        assert_eq!(back.deliver().await.unwrap(), 1);
        mailbox.answer.store(200, Ordering::SeqCst);
        books.clock.advance(Duration::from_secs(200));
        assert_eq!(back.deliver().await.unwrap(), 0);
        books.clock.advance(Duration::from_secs(200));
        assert_eq!(back.deliver().await.unwrap(), 1);
        let seen = mailbox.seen.lock().unwrap().clone();
        let bodies: Vec<_> = seen.into_values().flatten().collect();
        assert_eq!(bodies.len(), 2, "{}", test.name());
        assert_eq!(bodies[0], bodies[1]);
        assert!(
            bodies[0].contains("\"type\":\"usage.imbalance\""),
            "{}",
            bodies[0]
        );
        let posted = &listed(&books).await[0];
        assert_eq!((posted.tries, posted.delivered_at.is_some()), (3, true));
    }
}

#[tokio::test]
async fn who_dies_after_the_receivers_answer_tells_it_again_under_the_same_id() {
    for test in TestDb::both("usage").await {
        let mailbox = Mailbox::default();
        let url = mailbox.open().await;
        let books = Books::open(&test, PLANS).await;
        books.office().ring(&alert(&books, "one")).await.unwrap();
        // It was sent, and what it came to is never written.
        let now = books.clock.now();
        let until = now.plus(Duration::from_mins(1));
        let claimed = books.office().claim(now, until, 16).await.unwrap();
        assert_eq!(claimed.len(), 1);
        let sender = alerts(&books, Some(&url));
        assert_eq!(sender.deliver().await.unwrap(), 0);
        books.clock.advance(Duration::from_secs(61));
        assert_eq!(sender.deliver().await.unwrap(), 1);
        assert_eq!(mailbox.count(), [1]);
        let ids: Vec<String> = mailbox.seen.lock().unwrap().keys().cloned().collect();
        assert_eq!(ids, [claimed[0].alert.id.to_string()]);
        // The dead one's word comes too late to change anything but that it arrived.
        books.office().failed(&claimed[0], None).await.unwrap();
        let posted = &listed(&books).await[0];
        assert_eq!((posted.tries, posted.delivered_at.is_some()), (2, true));
    }
}

#[tokio::test]
async fn what_is_given_up_stays_listed_and_can_be_told_again() {
    for test in TestDb::both("usage").await {
        let mailbox = Mailbox::default();
        let url = mailbox.open().await;
        let books = Books::open(&test, PLANS).await;
        books.office().ring(&alert(&books, "one")).await.unwrap();
        let away = alerts(&books, Some("http://127.0.0.1:1/"));
        let mut tries = 0;
        for _ in 0..20 {
            tries += away.deliver().await.unwrap();
            books.clock.advance(Duration::from_hours(27));
        }
        assert_eq!(tries, 10);
        let posted = &listed(&books).await[0];
        assert_eq!((posted.tries, posted.delivered_at), (10, None));

        let back = alerts(&books, Some(&url));
        let id = posted.alert.id;
        back.redeliver(id, "olga").await.unwrap();
        assert_eq!(back.deliver().await.unwrap(), 1);
        let posted = &listed(&books).await[0];
        assert_eq!((posted.tries, posted.delivered_at.is_some()), (11, true));
        let ids: Vec<String> = mailbox.seen.lock().unwrap().keys().cloned().collect();
        assert_eq!(ids, [id.to_string()]);
        assert!(matches!(
            back.redeliver(Uuid::now_v7(), "olga").await,
            Err(Error::NotFound(_))
        ));
        for who in ["olga", "otto"] {
            let seen = back.acknowledge(id, who).await.unwrap();
            assert_eq!(seen.acknowledged_by, "olga", "{}", test.name());
        }
        // Each act of an operator once, by whom it was; what changed nothing is none.
        let acts = "SELECT COUNT(*) AS n FROM audit WHERE actor = 'olga' AND action IN \
                    ('alert.acknowledge', 'alert.redeliver')";
        assert_eq!(books.number(acts).await, 2);
    }
}

#[tokio::test]
async fn without_a_receiver_they_are_listed() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, PLANS).await;
        books.budget(("global", ""), Meter::Microusd, 100).await;
        books.charge(user(), "gemini", 60).await;
        let silent = alerts(&books, None);
        for _ in 0..2 {
            assert_eq!(silent.deliver().await.unwrap(), 0);
        }
        assert_eq!(listed(&books).await.len(), 1);
        let due = "SELECT COUNT(*) AS n FROM alerts WHERE next_try_at IS NOT NULL";
        assert_eq!(books.number(due).await, 0);
        let audit = "SELECT COUNT(*) AS n FROM audit WHERE action = 'alert.fired'";
        assert_eq!(books.number(audit).await, 1, "{}", test.name());
    }
}

//! A worker that stands still past its lease, and goes on when another has done its work.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use axum::{Json, Router};
use database::{Database, Settings};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use testkit::TestDb;

use crate::app::process::{free_addr, ready};
use crate::app::{Process, User, defaults, http};
use crate::books::{SECRET, number};

/// A provider whose jobs are done when it is told so.
#[derive(Clone, Default)]
struct Shop {
    orders: Arc<AtomicUsize>,
    is_done: Arc<AtomicBool>,
}

impl Shop {
    async fn open(&self) -> String {
        let router = Router::new()
            .route("/v1/{model}", post(take))
            .route("/poll", get(poll))
            .route(
                "/sample.png",
                get(|| async { testkit::pictures::png(64, 64) }),
            )
            .with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        #[expect(clippy::disallowed_methods, reason = "a stub needs no limits")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }
}

fn here(headers: &HeaderMap, path: &str) -> String {
    format!("http://{}{path}", headers["host"].to_str().unwrap())
}

async fn take(State(shop): State<Shop>, headers: HeaderMap) -> Json<Value> {
    shop.orders.fetch_add(1, Ordering::SeqCst);
    Json(json!({"id": "job", "polling_url": here(&headers, "/poll?id=1"), "cost": 1.4}))
}

async fn poll(State(shop): State<Shop>, headers: HeaderMap) -> Json<Value> {
    let sample = here(&headers, "/sample.png");
    Json(match shop.is_done.load(Ordering::SeqCst) {
        true => json!({"status": "Ready", "result": {"sample": sample}}),
        false => json!({"status": "Pending"}),
    })
}

struct Suite {
    settings: BTreeMap<String, String>,
    tasks: Database,
    books: Database,
    files: Database,
    _processes: Vec<Process>,
}

impl Suite {
    // Its generation service takes orders and leaves the work to others.
    async fn start(folder: &std::path::Path, test: &TestDb, shop: &str) -> Self {
        let url = test.settings().url.expose_secret().to_owned();
        let mut settings = defaults(folder);
        for name in ["GATEWAY", "AUTH", "FILE", "GENERATION", "USAGE"] {
            settings.insert(format!("BOTTEGA_{name}_ADDR"), free_addr());
            settings.insert(format!("BOTTEGA_{name}_ADMIN_ADDR"), free_addr());
        }
        for (name, value) in [
            ("BOTTEGA_DATABASE_URL", url.as_str()),
            ("BOTTEGA_SERVICE_SECRET", SECRET),
            ("BOTTEGA_EGRESS_ALLOW", "127.0.0.1"),
            ("BOTTEGA_PROVIDER_FLUX_KEY", "k"),
            ("BOTTEGA_PROVIDER_FLUX_BASE_URL", shop),
            ("BOTTEGA_PROVIDER_FLUX_RESULT_HOSTS", "127.0.0.1"),
            ("BOTTEGA_GENERATION_LEASE", "3s"),
            ("BOTTEGA_GENERATION_POLL", "50ms"),
            ("BOTTEGA_GENERATION_WORKERS", "0"),
        ] {
            settings.insert(name.to_owned(), value.to_owned());
        }
        let mut processes = Vec::new();
        for name in ["auth", "usage", "file", "generation", "gateway"] {
            processes.push(Process::serve(name, &settings));
            let admin = &settings[&format!("BOTTEGA_{}_ADMIN_ADDR", name.to_uppercase())];
            ready(&format!("http://{admin}/readyz")).await;
        }
        let open = async |service| {
            let settings = Settings::of(&url, service);
            Database::connect(&settings).await.unwrap()
        };
        Self {
            tasks: open("generation").await,
            books: open("usage").await,
            files: open("file").await,
            settings,
            _processes: processes,
        }
    }

    async fn worker(&self) -> (Process, String) {
        let mut settings = self.settings.clone();
        let admin = free_addr();
        for (name, value) in [
            ("BOTTEGA_GENERATION_ADDR", free_addr()),
            ("BOTTEGA_GENERATION_ADMIN_ADDR", admin.clone()),
            ("BOTTEGA_GENERATION_WORKERS", "1".to_owned()),
        ] {
            settings.insert(name.to_owned(), value);
        }
        let process = Process::serve("generation", &settings);
        ready(&format!("http://{admin}/readyz")).await;
        (process, admin)
    }

    async fn until(&self, sql: &str, expected: i64) {
        let begun = Instant::now();
        while number(&self.tasks, sql).await != expected {
            assert!(begun.elapsed() < Duration::from_secs(40), "{sql}");
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    // All that a late write could change.
    async fn state(&self) -> Vec<i64> {
        let mut state = Vec::new();
        for sql in [
            "SELECT fence + last_sequence FROM tasks",
            "SELECT updated_at FROM tasks",
            "SELECT COUNT(*) FROM events",
            "SELECT COUNT(*) FROM attempts WHERE state = 'succeeded'",
            "SELECT COUNT(*) FROM attempts",
            "SELECT COUNT(*) FROM outputs",
            "SELECT COUNT(*) FROM outbox",
        ] {
            state.push(number(&self.tasks, sql).await);
        }
        state.push(number(&self.files, "SELECT COUNT(*) FROM files").await);
        state.push(number(&self.books, "SELECT COUNT(*) FROM entries").await);
        state
    }
}

async fn stale_claims(admin: &str) -> bool {
    let answer = http().get(format!("http://{admin}/metrics")).send().await;
    let text = answer.unwrap().text().await.unwrap();
    text.lines()
        .any(|line| line.starts_with("generation_stale_claims_total") && line.ends_with(" 1"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_writes_touch_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (test, shop) = (TestDb::postgres("all").await, Shop::default());
    let suite = Suite::start(folder.path(), &test, &shop.open().await).await;
    let url = format!("http://{}", suite.settings["BOTTEGA_GATEWAY_ADDR"]);
    let user = User::register(&http(), &url).await;
    let (zombie, admin) = suite.worker().await;
    let id = user.generate("a fox").await;
    let accepted = "SELECT COUNT(*) FROM attempts WHERE state = 'accepted'";
    suite.until(accepted, 1).await;
    zombie.signal("STOP");
    // Another takes the task when its lease has run out, and ends it.
    let (_other, _) = suite.worker().await;
    suite.until("SELECT fence FROM tasks", 2).await;
    shop.is_done.store(true, Ordering::SeqCst);
    let done = user.finished(&id).await;
    assert_eq!(done["status"], "COMPLETED", "{done}");
    user.settled(1).await;
    suite.until("SELECT COUNT(*) FROM outbox", 0).await;
    let before = suite.state().await;
    zombie.signal("CONT");
    let begun = Instant::now();
    while !stale_claims(&admin).await {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "it does not notice"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(suite.state().await, before);
    let charges = "SELECT COUNT(*) FROM entries WHERE kind = 'charge'";
    assert_eq!(number(&suite.books, charges).await, 1);
    assert_eq!(shop.orders.load(Ordering::SeqCst), 1);
    let again = user.get(&format!("/v1/generations/{id}")).await.expect(200);
    assert_eq!(again.json(), done);
}

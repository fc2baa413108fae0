//! Two thousand at once, under five limits, for what is left: exactly that many are served, over gRPC and
//! over HTTP, on SQLite and PostgreSQL, and by two processes of which one is killed meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use contracts::usage::v1::usage_service_client::UsageServiceClient;
use database::{Backend, Database};
use futures::StreamExt;
use futures::future::join_all;
use identity::Credentials;
use sea_orm::ConnectionTrait;
use secrecy::{ExposeSecret, SecretString};
use testkit::TestDb;
use tonic::transport::Channel;
use uuid::Uuid;

use crate::app::process::command;
use crate::app::{App, install_crypto};
use crate::books::{Caller, HELD, PAID, SECRET, Services, number};

const CALLERS: usize = 2_000;
const LEFT: usize = 137;
// Over HTTP each is an order through three services: fewer, so that the suite stays short.
const ORDERS: usize = 600;
const AT_ONCE: usize = 100;
const WIDE: &str = "free:1000000+$1000,basic:1,pro:1";

/// Limits of a month for five scopes; the provider's is the lowest.
async fn limit(db: &Database, owner: &str, provider: &str) {
    let id = match db.backend() {
        Backend::Postgres => "gen_random_uuid()",
        Backend::Sqlite => "randomblob(16)",
    };
    let scopes = [
        ("provider", provider),
        ("user", owner),
        ("plan", "free"),
        ("kind", "IMAGE"),
        ("global", ""),
    ];
    for (more, (scope, value)) in scopes.into_iter().enumerate() {
        let units = LEFT + 100 * more;
        let sql = format!(
            "INSERT INTO budgets VALUES ({id}, '{scope}', '{scope}', '{value}', 'GENERATIONS', 'MONTH', {units}, \
             TRUE, '[]', 1, 1, 1, 'test', 'test')"
        );
        db.write().execute_unprepared(&sql).await.unwrap();
    }
    let changed = "UPDATE rules_version SET version = version + 1";
    db.write().execute_unprepared(changed).await.unwrap();
}

fn caller(auth: Channel, usage: impl IntoIterator<Item = Channel>) -> Caller {
    let secret = SecretString::from(SECRET.to_owned());
    Caller {
        clients: usage.into_iter().map(UsageServiceClient::new).collect(),
        credentials: Credentials::new("gateway", auth, secret),
    }
}

/// The ids that were served, of so many at once.
async fn served(caller: &Caller, owner: &str, answered: &Arc<AtomicUsize>) -> Vec<String> {
    let asks = (0..CALLERS).map(|place| {
        let (mut caller, owner) = (caller.clone(), owner.to_owned());
        let answered = Arc::clone(answered);
        let places = caller.clients.len();
        caller.clients.rotate_left(place % places);
        tokio::spawn(async move {
            let id = Uuid::now_v7().to_string();
            let is_served = caller.hold(&id, &owner).await;
            answered.fetch_add(1, Ordering::SeqCst);
            is_served.then_some(id)
        })
    });
    let asks: Vec<_> = asks.collect();
    let served = join_all(asks).await;
    served.into_iter().filter_map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_grpc() {
    let settings = [
        ("BOTTEGA_SERVICE_SECRET", SECRET),
        ("BOTTEGA_USAGE_PLANS", WIDE),
        ("BOTTEGA_GRPC_MAX_CONCURRENT", "4096"),
    ];
    for app in [
        App::start_with(&settings).await,
        App::start_on_postgres_with(&settings).await,
    ] {
        let db = app.books().await;
        let owner = Uuid::now_v7().to_string();
        limit(&db, &owner, "openai").await;
        let usage = app.channel("usage").await;
        let caller = caller(app.channel("auth").await, [usage]);
        let served = served(&caller, &owner, &Arc::default()).await;
        assert_eq!(served.len(), LEFT);
        let held = number(
            &db,
            "SELECT MIN(held) + MAX(held) FROM counters WHERE meter = 'GENERATIONS'",
        );
        assert_eq!(held.await, 2 * i64::try_from(LEFT).unwrap());
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_http() {
    let settings = [
        ("BOTTEGA_GENERATION_WORKERS", "0"),
        ("BOTTEGA_GENERATION_MAX_PENDING", "0"),
        ("BOTTEGA_USAGE_PLANS", WIDE),
    ];
    for app in [
        App::start_with(&settings).await,
        App::start_on_postgres_with(&settings).await,
    ] {
        let db = app.books().await;
        let user = app.user().await;
        limit(&db, &user.id, "sketch").await;
        let orders = futures::stream::iter(0..ORDERS).map(|_| user.order("one of many"));
        let orders: Vec<_> = orders.buffer_unordered(AT_ONCE).collect().await;
        let (served, refused): (Vec<_>, Vec<_>) =
            orders.into_iter().partition(|order| order.status == 202);
        for order in refused {
            order.expect_error(429, "QUOTA_EXCEEDED");
        }
        assert_eq!(served.len(), LEFT);
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_processes_one_is_killed_meanwhile() {
    install_crypto();
    let folder = tempfile::tempdir().unwrap();
    let test = TestDb::postgres("all").await;
    let url = test.settings().url.expose_secret().to_owned();
    let mut services = Services::start(folder.path(), &url).await;
    let settings = database::Settings::of(&url, "usage");
    let db = Database::connect(&settings).await.unwrap();
    let owner = Uuid::now_v7().to_string();
    limit(&db, &owner, "openai").await;
    let auth = server::connect(&services.settings["BOTTEGA_AUTH_ADDR"]).unwrap();
    let usage = services.usage.iter();
    let usage: Vec<_> = usage
        .map(|(addr, _)| server::connect(addr).unwrap())
        .collect();
    let caller = caller(auth, usage);

    let answered = Arc::new(AtomicUsize::new(0));
    let kill = async {
        while answered.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        services.kill(1);
        answered.load(Ordering::SeqCst)
    };
    let (served, at_the_kill) = futures::join!(served(&caller, &owner, &answered), kill);
    assert_eq!(served.len(), LEFT);
    // A batch answers many at once, but never all.
    assert!(at_the_kill < CALLERS, "killed too late");

    // A hundred are paid for; of the others nobody hears again, and their time runs out.
    let (paid, lost) = served.split_at(100);
    join_all(paid.iter().map(|id| caller.settle(id))).await;
    let over = "UPDATE reservations SET expires_at = created_at WHERE state = 'held'";
    db.write().execute_unprepared(over).await.unwrap();
    let held = "SELECT SUM(held) FROM counters";
    let expires = async {
        while number(&db, held).await > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let expired = tokio::time::timeout(Duration::from_secs(30), expires).await;
    assert!(
        expired.is_ok(),
        "{} are still held",
        number(&db, held).await
    );
    let charged = "SELECT SUM(amount) FROM entries WHERE kind = 'charge'";
    assert_eq!(number(&db, charged).await, 100 * HELD);
    let loss = "SELECT SUM(amount) FROM entries WHERE kind = 'loss'";
    assert_eq!(number(&db, loss).await, 100 * (PAID - HELD));
    let used = "SELECT MIN(used) + MAX(used) FROM counters WHERE meter = 'GENERATIONS'";
    assert_eq!(number(&db, used).await, 200);
    let expired = "SELECT COUNT(*) FROM reservations WHERE state = 'expired'";
    assert_eq!(
        number(&db, expired).await,
        i64::try_from(lost.len()).unwrap()
    );
    let told = command(&["admin", "reconcile"], &services.settings).output();
    let told = told.unwrap();
    let text = String::from_utf8_lossy(&told.stdout);
    assert!(
        told.status.success() && text.starts_with("0 differences"),
        "{text}"
    );
}

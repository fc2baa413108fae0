//! Nobody spends more than there is: an order over the budget is refused before anything is sent, and
//! the books hold what was really charged.

use std::time::Duration;

use contracts::errors::v1::Reason;
use contracts::generation::v1::generation_service_client::GenerationServiceClient;
use contracts::generation::v1::{CreateGenerationRequest, ImageSpec, generation};
use database::{Backend, Database};
use futures::future::join_all;
use sea_orm_migration::sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use tonic::{Code, Request};
use uuid::Uuid;

use crate::app::{App, PaidProvider, Reply, User};

const PRICE: i64 = 5_000;
const MANY: &str = "free:1000,basic:1000,pro:1000";

fn settings(url: &str) -> [(&str, &str); 7] {
    [
        ("BOTTEGA_GENERATION_MAX_PENDING", "0"),
        ("BOTTEGA_USAGE_PLANS", MANY),
        ("BOTTEGA_PROVIDER_OPENAI_BASE_URL", url),
        ("BOTTEGA_PROVIDER_OPENAI_MODEL", "stub-1"),
        ("BOTTEGA_PROVIDER_OPENAI_PRICE", "0.005"),
        ("BOTTEGA_PROVIDER_OPENAI_PRICE_AS_OF", "2026-11-01"),
        // A thousand tokens of picture are three times the price.
        ("BOTTEGA_PROVIDER_OPENAI_RATES", "0,0,0,15"),
    ]
}

async fn both(url: &str) -> [App; 2] {
    let settings = settings(url);
    [
        App::start_with(&settings).await,
        App::start_on_postgres_with(&settings).await,
    ]
}

fn new_id(books: &Database) -> String {
    let id = Uuid::now_v7();
    match books.backend() {
        Backend::Postgres => format!("'{id}'"),
        Backend::Sqlite => format!("x'{}'", id.simple()),
    }
}

async fn execute(books: &Database, statements: impl IntoIterator<Item = String>) {
    for sql in statements {
        books.write().execute_unprepared(&sql).await.unwrap();
    }
}

fn changed() -> String {
    "UPDATE rules_version SET version = version + 1".to_owned()
}

/// A hard budget of everybody's month.
async fn set_budget(books: &Database, microusd: i64) {
    let id = new_id(books);
    let budget = format!(
        "INSERT INTO budgets VALUES ({id}, 'all', 'global', '', 'MICROUSD', 'MONTH', {microusd}, \
         TRUE, '[]', 1, 1, 1, 'test', 'test')"
    );
    execute(books, [budget, changed()]).await;
}

/// The catalogue's price of a picture.
async fn set_price(books: &Database, microusd: i64, version: i64) {
    let id = new_id(books);
    let price = format!(
        "INSERT INTO prices VALUES ({id}, {version}, 'openai', 'stub-1', 'IMAGE', '', '', \
         {microusd}, '2026-11-20', 1, NULL, 'test', NULL)"
    );
    let retired = "UPDATE prices SET retired_at = 2, retired_by = 'test' WHERE retired_at IS NULL";
    execute(books, [retired.to_owned(), price, changed()]).await;
}

/// How many rows of the ledger there are of a kind, and what they come to.
async fn ledger(books: &Database, kind: &str) -> (i64, i64) {
    let sql = format!(
        "SELECT COUNT(*) AS rows_of_it, CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS total \
         FROM entries WHERE kind = '{kind}'"
    );
    let db = books.read();
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(statement).await.unwrap().unwrap();
    (
        row.try_get("", "rows_of_it").unwrap(),
        row.try_get("", "total").unwrap(),
    )
}

fn id_of(order: &Reply) -> String {
    order.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hundred_at_once_the_budget_takes_fourteen() {
    let provider = PaidProvider::start(Duration::from_millis(20)).await;
    for app in both(&provider.url).await {
        let books = app.books().await;
        // Fourteen, and all but a millionth of a fifteenth.
        set_budget(&books, 15 * PRICE - 1).await;
        let before = provider.orders();
        let user = app.user().await;
        let orders = join_all((0..200).map(|_| user.order("a race"))).await;
        let (accepted, refused): (Vec<_>, Vec<_>) =
            orders.iter().partition(|order| order.status == 202);
        assert_eq!((accepted.len(), refused.len()), (14, 186));
        for order in refused {
            let facts = order.expect_error(402, "BUDGET_EXCEEDED");
            assert_eq!(facts["meter"], "MICROUSD");
            assert_eq!(facts["limit"], (15 * PRICE - 1).to_string());
            assert!(!order.header("ratelimit").is_empty());
        }
        for order in accepted {
            let ended = user.finished(&id_of(order)).await;
            assert_eq!(ended["status"], "COMPLETED");
            assert_eq!(ended["priceMicrousd"], PRICE);
        }
        // Every refused unit is back, and the books are what was sold.
        user.settled(14).await;
        assert_eq!(provider.orders() - before, 14);
        assert_eq!(ledger(&books, "charge").await, (14, 14 * PRICE));
        assert_eq!(ledger(&books, "loss").await, (0, 0));
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_over_grpc() {
    let provider = PaidProvider::start(Duration::ZERO).await;
    let app = App::start_with(&settings(&provider.url)).await;
    let books = app.books().await;
    set_budget(&books, 3 * PRICE).await;
    let user = app.user().await;
    let channel = app.channel("generation").await;
    let orders = (0..20).map(|_| {
        let mut client = GenerationServiceClient::new(channel.clone());
        let request = direct(&user);
        async move { client.create_generation(request).await }
    });
    let answers = join_all(orders).await;
    let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), 17);
    for status in refused {
        assert_eq!(status.code(), Code::FailedPrecondition);
        let fault = errors::from_status(status);
        assert_eq!(fault.reason, Reason::BudgetExceeded);
        assert_eq!(fault.quota.len(), 1);
        assert_eq!(fault.quota[0].id, "MICROUSD/MONTH");
        assert!(fault.retry_after.is_some());
    }
    user.settled(3).await;
    assert_eq!(provider.orders(), 3);
}

fn direct(user: &User) -> Request<CreateGenerationRequest> {
    let mut request = Request::new(CreateGenerationRequest {
        kind: generation::Kind::Image.into(),
        image: Some(ImageSpec {
            prompt: "a fox".to_owned(),
            width: Some(64),
            height: Some(64),
            ..ImageSpec::default()
        }),
        ..CreateGenerationRequest::default()
    });
    let token = format!("Bearer {}", user.token).parse().unwrap();
    request.metadata_mut().insert("authorization", token);
    request
}

async fn sold(usage: Value) -> (Value, [(i64, i64); 2]) {
    let provider = PaidProvider::telling(Duration::ZERO, usage).await;
    let app = App::start_with(&settings(&provider.url)).await;
    let books = app.books().await;
    let user = app.user().await;
    let id = user.generate("a fox").await;
    let ended = user.finished(&id).await;
    user.settled(1).await;
    let rows = [ledger(&books, "charge").await, ledger(&books, "loss").await];
    (ended, rows)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_costs_more_than_its_price_is_the_platforms_loss() {
    let (ended, rows) = sold(json!({"output_tokens": 1_000})).await;
    assert_eq!(ended["costMicrousd"], 3 * PRICE);
    assert_eq!(rows, [(1, PRICE), (1, 2 * PRICE)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cost_that_cannot_be_right_is_not_charged() {
    for tokens in [json!(u64::MAX), json!(9_000_000_000_u64), json!(200_000)] {
        let (ended, rows) = sold(json!({ "output_tokens": tokens })).await;
        assert_eq!(ended["status"], "COMPLETED");
        assert_eq!(ended["costMicrousd"], PRICE, "{tokens}");
        assert_eq!(rows, [(1, PRICE), (0, 0)], "{tokens}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_price_of_the_order_stands() {
    let provider = PaidProvider::start(Duration::from_millis(1_500)).await;
    for app in both(&provider.url).await {
        let books = app.books().await;
        set_price(&books, 6_000, 7).await;
        let user = app.user().await;
        let order = user.order("a fox").await.expect(202);
        assert_eq!(order.json()["priceMicrousd"], 6_000);
        assert_eq!(order.json()["priceVersion"], "catalogue:7");
        set_price(&books, 9_000, 8).await;
        let ended = user.finished(&id_of(&order)).await;
        assert_eq!(ended["costMicrousd"], 6_000);
        user.settled(1).await;
        assert_eq!(ledger(&books, "charge").await, (1, 6_000));
        assert_eq!(
            user.order("a hare").await.expect(202).json()["priceMicrousd"],
            9_000
        );
        app.stop().await;
    }
}

//! Connections that are handed on: warm for the next one, never inside a transaction, never dead.

use std::time::Duration;

use database::{Database, Locks};
use sea_orm::{ConnectionTrait, Statement};
use testkit::TestDb;

use super::schema::{count, open};

// Longer than a connection is taken to be alive without being asked.
const COLD: Duration = Duration::from_millis(40);

async fn number(db: &impl ConnectionTrait, sql: &str) -> i64 {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

async fn backend(db: &impl ConnectionTrait) -> i64 {
    number(db, "SELECT pg_backend_pid()::bigint").await
}

async fn backend_of_a_transaction(db: &Database) -> i64 {
    let transaction = db.begin().await.unwrap();
    let backend = backend(&*transaction).await;
    transaction.commit().await.unwrap();
    backend
}

#[tokio::test]
async fn whoever_comes_next_has_the_same_connection() {
    let test = TestDb::postgres("sample").await;
    let db = open(&test.settings()).await;
    let first = backend_of_a_transaction(&db).await;
    assert_eq!(backend_of_a_transaction(&db).await, first);
    let line = db.reading().await.unwrap();
    assert_eq!(backend(&line).await, first);
    line.hand_on();
    let undone = db.begin().await.unwrap();
    assert_eq!(backend(&*undone).await, first);
    undone.rollback().await.unwrap();
    tokio::time::sleep(COLD).await;
    assert_eq!(backend_of_a_transaction(&db).await, first);
}

#[tokio::test]
async fn what_was_given_up_is_not_handed_on() {
    let test = TestDb::postgres("sample").await;
    let mut settings = test.settings();
    settings.max_connections = 2;
    let db = open(&settings).await;
    for _ in 0..20 {
        let given_up = db.begin().await.unwrap();
        let more = "UPDATE counter SET n = n + 100";
        given_up.execute_unprepared(more).await.unwrap();
        drop(given_up);
        let transaction = db.begin().await.unwrap();
        assert_eq!(count(&*transaction).await, 0);
        transaction.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_connection_that_died_is_not_handed_on() {
    let test = TestDb::postgres("sample").await;
    let db = open(&test.settings()).await;
    let dead = backend_of_a_transaction(&db).await;
    let end = format!("SELECT pg_terminate_backend({dead})::int::bigint");
    assert_eq!(number(db.read(), &end).await, 1);
    tokio::time::sleep(COLD).await;
    assert_ne!(backend_of_a_transaction(&db).await, dead);
}

#[tokio::test]
async fn half_a_pool_is_left_to_others() {
    let test = TestDb::postgres("sample").await;
    let mut settings = test.settings();
    settings.max_connections = 4;
    let db = open(&settings).await;
    let mut transactions = Vec::new();
    for _ in 0..4 {
        transactions.push(db.begin().await.unwrap());
    }
    for transaction in transactions {
        transaction.commit().await.unwrap();
    }
    // Two wait for transactions; the other two are there for whoever asks the pool.
    let pool = db.write().get_postgres_connection_pool();
    let begun = tokio::time::timeout(settings.acquire_timeout, async {
        (pool.acquire().await.unwrap(), pool.acquire().await.unwrap())
    });
    drop(begun.await.unwrap());
}

#[tokio::test]
async fn locks_are_held_from_the_beginning_to_the_end() {
    let test = TestDb::postgres("sample").await;
    let db = open(&test.settings()).await;
    let alone = db.begin_holding(Locks::Alone(&[3, 4])).await.unwrap();
    let free = "SELECT pg_try_advisory_xact_lock_shared(4)::int::bigint";
    assert_eq!(number(db.read(), free).await, 0);
    alone.commit().await.unwrap();
    let shared = db.begin_holding(Locks::Shared(&[4])).await.unwrap();
    assert_eq!(number(db.read(), free).await, 1);
    let alone = "SELECT pg_try_advisory_xact_lock(4)::int::bigint";
    assert_eq!(number(db.read(), alone).await, 0);
    shared.rollback().await.unwrap();
    assert_eq!(number(db.read(), alone).await, 1);
}

// As when a process ends whose database outlives its runtime.
#[test]
fn a_database_may_outlive_its_runtime() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (db, test) = runtime.block_on(async {
        let test = TestDb::postgres("sample").await;
        let db = open(&test.settings()).await;
        backend_of_a_transaction(&db).await;
        (db, test)
    });
    drop(db);
    drop(test);
    drop(runtime);
}

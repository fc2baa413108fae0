//! A hundred thousand events wait to be sent: the next one is found, and a task is taken, by reading a few rows.

use std::time::Duration;

use database::{Database, Settings};
use generation::domain::ports::{Tasks, Work};
use generation::domain::queue::Bounds;
use generation::domain::webhook::ports::{Lane, Mail};
use generation::domain::webhook::verdict::{Outcome, Standing};
use generation::store::Store;
use sea_orm::ConnectionTrait;
use secrecy::ExposeSecret;
use std::sync::Arc;
use testkit::TestDb;
use types::{Clock, SystemClock, UserId};
use uuid::Uuid;

use crate::support::rows::{self, LEASE};

const WAITING: i64 = 100_000;
// Tasks that are being worked at are counted by a claim, and those are some here.
const READ: i64 = 500;

// How many rows of tables were read so far; what this connection has read is told first.
async fn rows_read(db: &Database) -> i64 {
    let run = async |sql: &str| {
        let backend = db.write().get_database_backend();
        let statement = sea_orm::Statement::from_string(backend, sql);
        db.write().query_one_raw(statement).await.unwrap().unwrap()
    };
    run("SELECT pg_stat_force_next_flush()::text").await;
    run("SELECT 1").await;
    let sum = "SELECT SUM(seq_tup_read + COALESCE(idx_tup_fetch, 0))::bigint AS read
        FROM pg_stat_user_tables WHERE relname IN ('deliveries', 'webhooks', 'tasks', 'queue')";
    run("SELECT pg_stat_clear_snapshot()::text").await;
    run(sum).await.try_get("", "read").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_that_wait_are_not_read() {
    let db = TestDb::postgres("generation").await;
    rows::store(&db).await;
    // One connection: its own counts are complete once it has told them.
    let settings = Settings {
        max_connections: 1,
        ..Settings::of(db.settings().url.expose_secret(), "generation")
    };
    let database = Database::connect(&settings).await.unwrap();
    let store = Store::new(database.clone(), Arc::new(SystemClock));
    let (webhook, owner) = (Uuid::now_v7(), Uuid::now_v7());
    let fill = [
        format!(
            "INSERT INTO webhooks (id, owner, url, event_types, enabled, seed, created_at, updated_at)
            VALUES ('{webhook}', '{owner}', 'https://example.com', 'generation.completed', TRUE, '', 0, 0)"
        ),
        // As many were sent before, and lie there.
        format!(
            "INSERT INTO deliveries (id, webhook_id, event_id, event_type, body, state, due_at, created_at, ended_at)
            SELECT gen_random_uuid(), '{webhook}', 'e' || i, 'generation.completed', '{{}}',
                CASE WHEN i > {WAITING} THEN 'pending' ELSE 'delivered' END, 0, i,
                CASE WHEN i > {WAITING} THEN NULL ELSE i END
            FROM generate_series(1, 2 * {WAITING}) AS i"
        ),
        "ANALYZE".to_owned(),
    ];
    for sql in fill {
        database.write().execute_unprepared(&sql).await.unwrap();
    }
    // More often than PostgreSQL plans a statement anew.
    for _ in 0..8 {
        let before = rows_read(&database).await;
        let lease = Duration::from_secs(1);
        let round = store.take(Lane::Sound, 1, lease).await.unwrap().remove(0);
        let (webhook, delivery) = store.next(&round).await.unwrap().unwrap();
        let now = SystemClock.now();
        let standing = Standing::after(&webhook, &Outcome::Taken, now);
        let recorded = store.record(&delivery, &Outcome::Taken, &standing, now);
        recorded.await.unwrap();
        store.leave(&round, Duration::ZERO).await.unwrap();
        let read = rows_read(&database).await - before;
        assert!((1..READ).contains(&read), "{read} rows for a delivery");

        store.create(rows::new_task(UserId(owner))).await.unwrap();
        let before = rows_read(&database).await;
        let claimed = store.claim("w", 9, LEASE, &Bounds::default()).await;
        assert_eq!(claimed.unwrap().len(), 1);
        let read = rows_read(&database).await - before;
        assert!((1..READ).contains(&read), "{read} rows for a claim");
    }
}

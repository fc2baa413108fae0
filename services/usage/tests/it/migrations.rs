//! The tables come, go and come again, and guard themselves.

use database::{Backend, Database};
use sea_orm::{ConnectionTrait, Statement};
use testkit::TestDb;
use usage::Migrator;
use usage::domain::meter::Meter;

use crate::books::{Books, user};

pub const STEPS: [&str; 7] = [
    "m0001_reservations",
    "m0002_books",
    "m0003_ledger",
    "m0004_rules",
    "m0005_care",
    "m0006_guards",
    "m0007_time_zone",
];

#[tokio::test]
async fn up_down_up() {
    for test in TestDb::both("usage").await {
        let db = Database::connect(&test.settings()).await.unwrap();
        assert_eq!(db.pending::<Migrator>().await.unwrap(), STEPS);
        db.migrate::<Migrator>().await.unwrap();
        db.migrate::<Migrator>().await.unwrap();
        assert!(db.pending::<Migrator>().await.unwrap().is_empty());
        db.revert::<Migrator>().await.unwrap();
        assert_eq!(db.pending::<Migrator>().await.unwrap(), STEPS);

        let books = Books::open(&test, "free:5").await;
        let owner = user();
        books.reserve(&books.ask(owner, 1)).await.unwrap();
        assert_eq!(books.standing(owner).await, (0, 1, 4), "{}", test.name());
    }
}

#[tokio::test]
async fn the_tables_refuse_what_no_call_may_do() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:5").await;
        let owner = user();
        let settled = books.held(owner, 1).await;
        books.settle(settled).await.unwrap();
        let money = books.ask_for(owner, [(Meter::Microusd, 7)]);
        books.reserve(&money).await.unwrap();
        books.settle(money.id).await.unwrap();
        books.held(owner, 1).await;
        for sql in [
            "UPDATE counters SET held = held - 2",
            "UPDATE counters SET used = -1",
            "UPDATE reservations SET state = 'gone'",
            "UPDATE reservations SET state = 'settled'",
            "UPDATE counters SET used = cap",
            "UPDATE entries SET amount = 0",
            "DELETE FROM entries",
            "TRUNCATE entries",
            "TRUNCATE entries_default",
            // A second charge.
            "INSERT INTO entries SELECT reservation_id, created_at + 1, day, kind, debit, credit, amount,
                reservation_id, owner, tier, work, provider, model, project, api_key, task_id, attempt, units,
                tokens, price_version, note, created_by
                FROM entries WHERE kind = 'charge' LIMIT 1",
            "UPDATE accounts SET debits = -1",
            "UPDATE rules_version SET one = 2",
        ] {
            let refused = books.db.write().execute_unprepared(sql).await;
            assert!(refused.is_err(), "{}: {sql}", test.name());
        }
    }
}

#[tokio::test]
async fn the_sweeper_asks_an_index() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:5").await;
        let transaction = books.db.begin().await.unwrap();
        let (explain, column) = match books.db.backend() {
            Backend::Sqlite => ("EXPLAIN QUERY PLAN", 3),
            Backend::Postgres => {
                // An empty table is read whole whatever indexes it has.
                let forbid = "SET LOCAL enable_seqscan = off";
                transaction.execute_unprepared(forbid).await.unwrap();
                ("EXPLAIN", 0)
            }
        };
        let sql = format!(
            "{explain} SELECT id FROM reservations \
             WHERE state IN ('held', 'confirmed') AND expires_at <= 1 ORDER BY expires_at LIMIT 100"
        );
        let statement = Statement::from_string(transaction.get_database_backend(), sql);
        let rows = transaction.query_all_raw(statement).await.unwrap();
        let plan: Vec<String> = (rows.iter())
            .map(|row| row.try_get_by_index(column).unwrap())
            .collect();
        assert!(plan.join("\n").contains("reservations_due"), "{plan:?}");
    }
}

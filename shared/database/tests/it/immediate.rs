//! Many writers that read before they write: none fails, none is lost.

use sea_orm::ConnectionTrait;
use testkit::TestDb;

use super::schema::{count, open};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_that_read_first_never_meet_a_locked_database() {
    for test in TestDb::both("sample").await {
        let db = open(&test.settings()).await;
        let writers = (0..8).map(|_| {
            let db = db.clone();
            tokio::spawn(async move {
                for _ in 0..25 {
                    let transaction = db.begin().await.unwrap();
                    count(&*transaction).await;
                    transaction
                        .execute_unprepared("UPDATE counter SET n = n + 1")
                        .await
                        .unwrap();
                    transaction.commit().await.unwrap();
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        assert_eq!(count(db.read()).await, 200, "{}", test.name());
    }
}

#[tokio::test]
async fn the_readers_of_sqlite_cannot_write() {
    let test = TestDb::sqlite("sample").await;
    let db = open(&test.settings()).await;
    assert!(
        db.read()
            .execute_unprepared("UPDATE counter SET n = 1")
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_dropped_transaction_is_undone() {
    for test in TestDb::both("sample").await {
        let db = open(&test.settings()).await;
        let transaction = db.begin().await.unwrap();
        transaction
            .execute_unprepared("UPDATE counter SET n = 7")
            .await
            .unwrap();
        drop(transaction);
        db.write()
            .execute_unprepared("UPDATE counter SET n = n + 1")
            .await
            .unwrap();
        assert_eq!(count(db.read()).await, 1, "{}", test.name());
    }
}

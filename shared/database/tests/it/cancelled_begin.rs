//! Callers cut short at any moment: no pooled connection stays inside a transaction, and no
//! acknowledged write is lost (sqlx #4385).

use std::time::Duration;

use sea_orm::{ConnectionTrait, TransactionTrait};
use testkit::TestDb;

use super::schema::{count, open};

const ROUNDS: u64 = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_writes_survive_cancelled_transactions() {
    let test = TestDb::postgres("sample").await;
    let mut settings = test.settings();
    settings.max_connections = 2;
    let db = open(&settings).await;
    for round in 0..ROUNDS {
        let cut = Duration::from_micros(round * 7 % 900);
        // The raw `begin` is what a careless caller, or a library, would use: the pool must
        // withstand it too.
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the fault the pool guards from"
        )]
        let raw = async { db.write().begin().await.map(drop) };
        let _ = tokio::time::timeout(cut, raw).await;
        let _ = tokio::time::timeout(cut, async { db.begin().await.map(drop) }).await;
        db.write()
            .execute_unprepared("UPDATE counter SET n = n + 1")
            .await
            .unwrap();
    }
    db.close().await;
    // A fresh pool sees only what was really committed.
    let fresh = open(&settings).await;
    assert_eq!(count(fresh.read()).await, i64::try_from(ROUNDS).unwrap());
}

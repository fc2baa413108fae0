//! Migrations are applied once, reverted, and applied again.

use testkit::TestDb;

use super::schema::{Migrator, count, open};

#[tokio::test]
async fn applied_reverted_and_applied_again() {
    for test in TestDb::both("sample").await {
        let db = open(&test.settings()).await;
        assert_eq!(
            db.pending::<Migrator>().await.unwrap(),
            Vec::<String>::new(),
            "{}",
            test.name()
        );
        db.revert::<Migrator>().await.unwrap();
        assert_eq!(
            db.pending::<Migrator>().await.unwrap(),
            ["m0001_counter"],
            "{}",
            test.name()
        );
        db.migrate::<Migrator>().await.unwrap();
        assert_eq!(count(db.read()).await, 0, "{}", test.name());
    }
}

#[tokio::test]
async fn ten_processes_starting_together_migrate_once() {
    let test = TestDb::postgres("sample").await;
    let starts = (0..10).map(|_| {
        let settings = test.settings();
        tokio::spawn(async move { open(&settings).await })
    });
    for start in starts.collect::<Vec<_>>() {
        assert_eq!(count(start.await.unwrap().read()).await, 0);
    }
}

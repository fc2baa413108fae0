//! What is told on a channel is heard by all who listen, also after their connection broke.

use std::time::Duration;

use database::Database;
use sea_orm::ConnectionTrait;
use testkit::TestDb;

#[tokio::test]
async fn news_are_heard_by_all_who_listen() {
    let db = TestDb::postgres("file").await;
    let [teller, hearer] = [
        Database::connect(&db.settings()).await.unwrap(),
        Database::connect(&db.settings()).await.unwrap(),
    ];
    let mut one = teller.listen("here").await.unwrap().unwrap();
    let mut other = hearer.listen("here").await.unwrap().unwrap();
    teller.tell("there", "nothing").await.unwrap();
    teller.tell("here", "what's new").await.unwrap();
    for listener in [&mut one, &mut other] {
        let heard = listener.next().await.unwrap();
        assert_eq!(heard.as_deref(), Some("what's new"));
    }
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE query LIKE 'LISTEN%' AND datname = current_database()";
    teller.write().execute_unprepared(cut).await.unwrap();
    assert_eq!(other.next().await.unwrap(), None);
    teller.tell("here", "again").await.unwrap();
    let heard = tokio::time::timeout(Duration::from_secs(5), other.next());
    assert_eq!(heard.await.unwrap().unwrap().as_deref(), Some("again"));
}

#[tokio::test]
async fn where_there_is_one_process_nobody_tells() {
    let db = TestDb::sqlite("file").await;
    let database = Database::connect(&db.settings()).await.unwrap();
    database.tell("here", "nothing").await.unwrap();
    assert!(database.listen("here").await.unwrap().is_none());
}

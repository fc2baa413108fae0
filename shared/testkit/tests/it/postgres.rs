//! A PostgreSQL keeps what it acknowledged when it is killed.

use database::Database;
use sea_orm::{ConnectionTrait, Statement};
use testkit::TestPostgres;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_and_revived_it_has_what_it_acknowledged() {
    let server = TestPostgres::start();
    let commands = [
        "CREATE TABLE kept (n BIGINT)",
        "INSERT INTO kept VALUES (7)",
    ];
    server.execute(&commands).await;
    server.kill();
    server.revive();
    let mut settings = server.db("public").settings();
    settings.max_connections = 1;
    let db = Database::connect(&settings).await.unwrap();
    let backend = db.read().get_database_backend();
    let statement = Statement::from_string(backend, "SELECT n FROM kept");
    let row = db.read().query_one_raw(statement).await.unwrap().unwrap();
    assert_eq!(row.try_get::<i64>("", "n").unwrap(), 7);
}

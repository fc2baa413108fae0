//! A small table for the tests.

use database::Database;
use sea_orm::{ConnectionTrait, Statement};
use sea_orm_migration::prelude::*;

pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(CreateCounter)]
    }
}

struct CreateCounter;

impl MigrationName for CreateCounter {
    fn name(&self) -> &'static str {
        "m0001_counter"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateCounter {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        db.execute_unprepared("CREATE TABLE counter (id INTEGER PRIMARY KEY, n BIGINT NOT NULL)")
            .await?;
        db.execute_unprepared("INSERT INTO counter VALUES (1, 0)")
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .get_connection()
            .execute_unprepared("DROP TABLE counter")
            .await?;
        Ok(())
    }
}

pub async fn count<C: ConnectionTrait>(db: &C) -> i64 {
    let statement = Statement::from_string(db.get_database_backend(), "SELECT n FROM counter");
    let row = db.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get("", "n").unwrap()
}

pub async fn open(settings: &database::Settings) -> Database {
    let db = Database::connect(settings).await.unwrap();
    db.migrate::<Migrator>().await.unwrap();
    db
}

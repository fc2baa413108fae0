//! What is known of providers, by the database's clock: one row each, made by the first thing to know.

use async_trait::async_trait;
use database::Backend;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement, Value};

use super::{Store, failed, unreadable};
use crate::domain::cooling::{Health, Healths, Observation};
use crate::domain::error::Error;

#[derive(FromQueryResult)]
struct Row {
    name: String,
    failures: i64,
    cool_until: i64,
    probe_until: i64,
    next_at: i64,
    now: i64,
}

impl Row {
    fn read(self) -> (Health, i64) {
        let health = Health {
            name: self.name,
            failures: self.failures,
            cool_until: self.cool_until,
            probe_until: self.probe_until,
            next_at: self.next_at,
        };
        (health, self.now)
    }
}

#[async_trait]
impl Healths for Store {
    async fn healths(&self) -> Result<(Vec<Health>, i64), Error> {
        self.read_healths(self.db.read()).await
    }

    async fn observe(&self, provider: &str, seen: Observation) -> Result<(Health, i64), Error> {
        let tx = self.db.begin().await.map_err(failed)?;
        let made = "INSERT INTO providers (name) VALUES ($1) ON CONFLICT (name) DO NOTHING";
        self.run(&*tx, made, vec![provider.into()]).await?;
        let lock = match self.db.backend() {
            Backend::Postgres => "FOR UPDATE",
            Backend::Sqlite => "",
        };
        let condition = format!("WHERE name = $1 {lock}");
        let found = self.select(&*tx, &condition, vec![provider.into()]).await?;
        let (health, now) = found
            .into_iter()
            .next()
            .ok_or_else(|| unreadable("provider"))?
            .read();
        let health = health.after(seen, now);
        let sql = "UPDATE providers SET failures = $2, cool_until = $3, probe_until = $4
            WHERE name = $1";
        let values = vec![
            provider.into(),
            health.failures.into(),
            health.cool_until.into(),
            health.probe_until.into(),
        ];
        self.run(&*tx, sql, values).await?;
        tx.commit().await.map_err(failed)?;
        Ok((health, now))
    }
}

impl Store {
    pub(super) async fn read_healths(
        &self,
        db: &impl ConnectionTrait,
    ) -> Result<(Vec<Health>, i64), Error> {
        let rows = self.select(db, "", Vec::new()).await?;
        let now = rows.first().map(|row| row.now);
        let now = now.unwrap_or_else(|| self.clock.now().micros());
        let healths = rows.into_iter().map(|row| row.read().0).collect();
        Ok((healths, now))
    }

    /// Orders leave for it; how it answers, others may write meanwhile.
    pub(super) async fn sending(
        &self,
        db: &impl ConnectionTrait,
        health: &Health,
    ) -> Result<(), Error> {
        let sql = "INSERT INTO providers (name, probe_until, next_at) VALUES ($1, $2, $3)
            ON CONFLICT (name) DO UPDATE SET
                probe_until = excluded.probe_until, next_at = excluded.next_at";
        let values = vec![
            health.name.as_str().into(),
            health.probe_until.into(),
            health.next_at.into(),
        ];
        self.run(db, sql, values).await
    }

    async fn select(
        &self,
        db: &impl ConnectionTrait,
        condition: &str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Error> {
        let sql = format!(
            "SELECT name, failures, cool_until, probe_until, next_at, {} AS now
            FROM providers {condition}",
            self.now_sql()
        );
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        let rows = Row::find_by_statement(statement).all(db).await;
        rows.map_err(failed)
    }

    async fn run(
        &self,
        db: &impl ConnectionTrait,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<(), Error> {
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        db.execute_raw(statement).await.map_err(failed)?;
        Ok(())
    }
}

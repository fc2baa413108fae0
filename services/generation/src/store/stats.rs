//! How long attempts took and what came of them, by day and class of time; counted as they end.

use std::ops::RangeInclusive;

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};
use uuid::Uuid;

use super::{Store, failed};
use crate::domain::error::Error;
use crate::domain::speed::{CLASSES, DAYS, Tallies, Tally};

pub(super) const DAY: i64 = 86_400_000_000;
const SHARDS: u64 = 16;

/// Counts an attempt that has just ended, if its order left.
pub(super) async fn count(db: &impl ConnectionTrait, task: Uuid, number: i64) -> Result<(), Error> {
    let class: Vec<String> = (CLASSES.iter().enumerate())
        .map(|(place, end)| format!("WHEN ended_at - sent_at <= {end}000 THEN {place}"))
        .collect();
    let sql = format!(
        "INSERT INTO provider_stats
            (day, provider, model, class, shard, count, failures, cost_microusd)
        SELECT ended_at / {DAY}, provider, model, CASE {class} ELSE {last} END, $3, 1,
            CASE WHEN state = 'succeeded' THEN 0 ELSE 1 END, COALESCE(cost_microusd, 0)
        FROM attempts WHERE task_id = $1 AND number = $2 AND sent_at IS NOT NULL
        ON CONFLICT (day, provider, model, class, shard) DO UPDATE SET
            count = provider_stats.count + 1,
            failures = provider_stats.failures + excluded.failures,
            cost_microusd = provider_stats.cost_microusd + excluded.cost_microusd",
        class = class.join(" "),
        last = CLASSES.len(),
    );
    let (_, random) = task.as_u64_pair();
    let shard = i64::try_from(random % SHARDS).unwrap_or(0);
    let values = [task.into(), number.into(), shard.into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    db.execute_raw(statement).await.map_err(failed)?;
    Ok(())
}

#[derive(FromQueryResult)]
struct Row {
    provider: String,
    model: String,
    class: i64,
    count: i64,
    failures: i64,
    cost: i64,
}

#[async_trait]
impl Tallies for Store {
    async fn tallies(&self) -> Result<Vec<Tally>, Error> {
        let today = self.clock.now().micros() / DAY;
        self.tallies_of(today - DAYS + 1..=today).await
    }

    async fn tallies_of(&self, days: RangeInclusive<i64>) -> Result<Vec<Tally>, Error> {
        let sum = |column: &str| format!("CAST(SUM({column}) AS BIGINT)");
        let sql = format!(
            "SELECT provider, model, class, {} AS count, {} AS failures, {} AS cost
            FROM provider_stats WHERE day BETWEEN $1 AND $2 GROUP BY provider, model, class",
            sum("count"),
            sum("failures"),
            sum("cost_microusd"),
        );
        let db = self.db.read();
        let values = [(*days.start()).into(), (*days.end()).into()];
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        let rows = Row::find_by_statement(statement).all(db).await;
        let tally = |row: Row| Tally {
            provider: row.provider,
            model: row.model,
            class: usize::try_from(row.class).unwrap_or(CLASSES.len()),
            count: row.count,
            failures: row.failures,
            cost: row.cost,
        };
        Ok(rows.map_err(failed)?.into_iter().map(tally).collect())
    }
}

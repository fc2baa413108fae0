//! How long attempts took and what came of them, by day and class of time; counted as they end.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use async_trait::async_trait;
use database::row_set::{self, Cell, Column, Kind, Rows, Write};
use sea_orm::{ConnectionTrait, EntityTrait, FromQueryResult, Statement};
use uuid::Uuid;

use super::entity::attempts;
use super::{Store, failed};
use crate::domain::attempt::AttemptState;
use crate::domain::error::Error;
use crate::domain::speed::{CLASSES, DAYS, Tallies, Tally};

pub(super) const DAY: i64 = 86_400_000_000;
const SHARDS: u64 = 16;

/// Counts an attempt that has just ended, if its order left.
pub(super) async fn count(db: &impl ConnectionTrait, task: Uuid, number: i64) -> Result<(), Error> {
    let ended = attempts::Entity::find_by_id((task, number)).one(db);
    let ended = ended.await.map_err(failed)?;
    let counted = row_set::make(db, [tallied(ended.iter())]).await;
    counted.map_err(failed).map(|_| ())
}

/// Attempts that have just ended, as they are counted; those only whose orders left.
pub(super) fn tallied<'a>(ended: impl Iterator<Item = &'a attempts::Model>) -> Option<Write> {
    const TALLIES: [Column; 8] = [
        ("day", Kind::Number),
        ("provider", Kind::Text),
        ("model", Kind::Text),
        ("class", Kind::Number),
        ("shard", Kind::Number),
        ("count", Kind::Number),
        ("failures", Kind::Number),
        ("cost", Kind::Number),
    ];
    // In one order, whoever counts, so that nobody waits for the other for ever.
    let mut tallies: BTreeMap<(i64, &str, &str, usize), [i64; 3]> = BTreeMap::new();
    let mut shard = None;
    for row in ended {
        let (Some(sent_at), Some(ended_at)) = (row.sent_at, row.ended_at) else {
            continue;
        };
        let took = ended_at - sent_at;
        let class = CLASSES.partition_point(|end| i64::from(*end) * 1_000 < took);
        let key = (
            ended_at / DAY,
            row.provider.as_str(),
            row.model.as_str(),
            class,
        );
        let [count, failures, cost] = tallies.entry(key).or_default();
        *count += 1;
        *failures += i64::from(row.state != AttemptState::Succeeded.as_str());
        *cost += row.cost_microusd.unwrap_or(0);
        shard.get_or_insert_with(|| shard_of(row.task_id));
    }
    let shard = shard.unwrap_or_default();
    let rows = tallies
        .into_iter()
        .map(|(key, [count, failures, cost])| -> [Cell; 8] {
            let (day, provider, model, class) = key;
            let class = i64::try_from(class).unwrap_or_default();
            [
                day.into(),
                provider.into(),
                model.into(),
                class.into(),
                shard.into(),
                count.into(),
                failures.into(),
                cost.into(),
            ]
        });
    let sql = "INSERT INTO provider_stats
            (day, provider, model, class, shard, count, failures, cost_microusd)
        SELECT day, provider, model, class, shard, count, failures, cost FROM {given} WHERE TRUE
        ON CONFLICT (day, provider, model, class, shard) DO UPDATE SET
            count = provider_stats.count + excluded.count,
            failures = provider_stats.failures + excluded.failures,
            cost_microusd = provider_stats.cost_microusd + excluded.cost_microusd";
    Write::new("tallied", sql, Rows::new(&TALLIES, rows))
}

// So many count at the same time.
fn shard_of(task: Uuid) -> i64 {
    let (_, random) = task.as_u64_pair();
    i64::try_from(random % SHARDS).unwrap_or(0)
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

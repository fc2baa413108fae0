//! Taking tasks and keeping them: the lease, and the number that fences off whoever lost it.

use std::time::Duration;

use sea_orm::{ConnectionTrait, EntityTrait, FromQueryResult, Statement, Value};

use super::entity::tasks;
use super::outbox::micros;
use super::{Store, events, failed, rows};
use crate::domain::error::Error;
use crate::domain::events::EventKind;
use crate::domain::ports::{Claim, Claimed};
use crate::domain::queue::Bounds;

// Those who come out of their rest at once.
const AWAKENED: i64 = 1_000;

// What there is to do, 0 or 1 each: tasks to take, tasks that have rested.
#[derive(FromQueryResult)]
struct Due {
    takes: i32,
    rested: i32,
}

impl Store {
    pub(super) async fn claim_due(
        &self,
        worker: &str,
        limit: u64,
        lease: Duration,
        bounds: &Bounds,
    ) -> Result<Vec<Claimed>, Error> {
        let due = self.look_for_work().await?;
        if due.takes + due.rested == 0 {
            return Ok(Vec::new());
        }
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let tx = self.db.begin().await.map_err(failed)?;
        if due.rested > 0 {
            self.awaken(&*tx).await?;
        }
        let is_bounded = bounds.per_owner.is_some() || !bounds.per_provider.is_empty();
        if is_bounded {
            self.lock_line(&*tx).await?;
        }
        let mut taken: Vec<tasks::Model> = Vec::new();
        loop {
            let left = limit - i64::try_from(taken.len()).unwrap_or(limit);
            let (sql, values) = self.claim_sql(worker, left, lease, bounds);
            let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
            let more = tasks::Entity::find().from_raw_sql(statement);
            let more = more.all(&*tx).await.map_err(failed)?;
            let is_over = more.is_empty() || !is_bounded;
            taken.extend(more);
            // Those behind whom a bound left out may still be within it.
            if is_over || i64::try_from(taken.len()).is_ok_and(|count| count >= limit) {
                break;
            }
        }
        let fresh = taken.iter().filter(|row| row.fence == 1).count();
        if let (Some(turn), 1..) = (taken.iter().map(|row| row.turn).max(), fresh) {
            let fresh = i64::try_from(fresh).unwrap_or(i64::MAX);
            self.move_line(&*tx, turn, fresh).await?;
        }
        let mut claimed = Vec::with_capacity(taken.len());
        for row in taken {
            let message = match row.fence {
                1 => "",
                _ => "a worker goes on with it",
            };
            events::append(&*tx, &row, EventKind::Started, message).await?;
            claimed.push(rows::claimed(row)?);
        }
        tx.commit().await.map_err(failed)?;
        Ok(claimed)
    }

    pub(super) async fn renew_lease(&self, claim: Claim, lease: Duration) -> Result<(), Error> {
        let now = self.now_sql();
        let sql = format!(
            "UPDATE tasks SET lease_until = {now} + $1
            WHERE id = $2 AND fence = $3 AND status = 'processing'"
        );
        let db = self.db.write();
        let values = [
            micros(lease).into(),
            claim.task.uuid().into(),
            claim.fence.into(),
        ];
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        let renewed = db.execute_raw(statement).await.map_err(failed)?;
        if renewed.rows_affected() == 0 {
            return Err(Error::Lost);
        }
        Ok(())
    }

    // Looked up without a lock: workers with nothing to do leave the writer to others.
    async fn look_for_work(&self) -> Result<Due, Error> {
        let now = self.now_sql();
        let sql = format!(
            "SELECT CASE WHEN
                EXISTS (SELECT 1 FROM tasks WHERE status = 'pending' AND NOT resting)
                OR EXISTS (SELECT 1 FROM tasks WHERE status = 'processing' AND lease_until <= {now})
                THEN 1 ELSE 0 END AS takes,
            CASE WHEN EXISTS (SELECT 1 FROM tasks
                WHERE status = 'pending' AND resting AND run_at <= {now})
                THEN 1 ELSE 0 END AS rested"
        );
        let db = self.db.read();
        let statement = Statement::from_string(db.get_database_backend(), sql);
        let due = Due::find_by_statement(statement).one(db).await;
        Ok(due.map_err(failed)?.unwrap_or(Due {
            takes: 0,
            rested: 0,
        }))
    }

    // Whoever has rested stands in line again, at its old turn.
    async fn awaken(&self, db: &impl ConnectionTrait) -> Result<(), Error> {
        let (now, skip_locked) = (self.now_sql(), self.skip_locked());
        let sql = format!(
            "UPDATE tasks SET resting = FALSE WHERE id IN (
                SELECT id FROM tasks WHERE status = 'pending' AND resting AND run_at <= {now}
                ORDER BY run_at LIMIT {AWAKENED} {skip_locked})"
        );
        db.execute_unprepared(&sql).await.map_err(failed)?;
        Ok(())
    }

    // The lowest turns, after those whose worker was lost. A materialised choice is made once; a plan
    // that looked again while updating would take more than the limit.
    fn claim_sql(
        &self,
        worker: &str,
        limit: i64,
        lease: Duration,
        bounds: &Bounds,
    ) -> (String, Vec<Value>) {
        let (now, skip_locked) = (self.now_sql(), self.skip_locked());
        let values = vec![
            limit.into(),
            micros(lease).into(),
            worker.into(),
            self.clock.now().micros().into(),
        ];
        let mut values = Values(values);
        let (outside, within) = bounds_sql(bounds, &mut values);
        let sql = format!(
            "WITH busy AS MATERIALIZED (
                SELECT owner, provider, COUNT(*) AS tasks FROM tasks
                WHERE status = 'processing' GROUP BY owner, provider),
            lost AS MATERIALIZED (
                SELECT id FROM tasks WHERE status = 'processing' AND lease_until <= {now}
                ORDER BY lease_until LIMIT $1 {skip_locked}),
            line AS MATERIALIZED (
                SELECT id, turn, owner, provider FROM tasks
                WHERE status = 'pending' AND NOT resting
                    AND (expires_at IS NULL OR expires_at > {now}) {outside}
                ORDER BY turn, id LIMIT $1 {skip_locked}),
            due AS MATERIALIZED ({within}),
            chosen AS MATERIALIZED (
                SELECT id FROM (
                    SELECT id, 0 AS place, 0 AS turn FROM lost UNION ALL SELECT id, 1, turn FROM due
                ) AS either ORDER BY place, turn, id LIMIT $1)
            UPDATE tasks SET status = 'processing', fence = fence + 1, worker = $3,
                lease_until = {now} + $2, last_sequence = last_sequence + 1, updated_at = $4
            WHERE id IN (SELECT id FROM chosen) RETURNING *"
        );
        (sql, values.0)
    }
}

struct Values(Vec<Value>);

impl Values {
    // Binds a value; answers its name.
    fn bind(&mut self, value: impl Into<Value>) -> String {
        self.0.push(value.into());
        format!("${}", self.0.len())
    }
}

// Two pieces of the choice: who is not looked at, and who of those that were looked at fits beside what
// runs already. Among many of one owner that come at once only the first few may fit.
fn bounds_sql(bounds: &Bounds, values: &mut Values) -> (String, String) {
    let mut outside = String::new();
    let names: Vec<String> = (bounds.avoid.iter())
        .map(|name| values.bind(name.as_str()))
        .collect();
    if !names.is_empty() {
        outside += &format!("AND provider NOT IN ({})", names.join(", "));
    }
    let mut fits = Vec::new();
    let mut bound = |column: &str, most: &str| {
        outside += &format!(
            " AND {column} NOT IN (
                SELECT {column} FROM busy GROUP BY {column} HAVING SUM(tasks) >= {most})"
        );
        fits.push(format!(
            "ROW_NUMBER() OVER (PARTITION BY {column} ORDER BY turn, id) + COALESCE((
                SELECT SUM(tasks) FROM busy WHERE busy.{column} = line.{column}), 0) <= {most}"
        ));
    };
    if let Some(most) = bounds.per_owner {
        bound(
            "owner",
            &values.bind(i64::try_from(most).unwrap_or(i64::MAX)),
        );
    }
    if !bounds.per_provider.is_empty() {
        let cases = (bounds.per_provider.iter()).map(|(name, most)| {
            let most = i64::try_from(*most).unwrap_or(i64::MAX);
            format!(
                "WHEN {} THEN {}",
                values.bind(name.as_str()),
                values.bind(most)
            )
        });
        let cases: Vec<String> = cases.collect();
        let most = format!("CASE provider {} ELSE {} END", cases.join(" "), i64::MAX);
        bound("provider", &most);
    }
    let within = match fits.as_slice() {
        [] => "SELECT id, turn FROM line".to_owned(),
        fits => format!(
            "SELECT id, turn FROM (SELECT id, turn, {} AS fits FROM line) AS counted WHERE fits",
            fits.join(" AND ")
        ),
    };
    (outside, within)
}

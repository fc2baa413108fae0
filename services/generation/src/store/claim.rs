//! Taking tasks and keeping them: the lease, and the number that fences off whoever lost it.

use std::time::Duration;

use database::row_set;
use sea_orm::{ConnectionTrait, EntityTrait, FromQueryResult, Statement};
use types::Timestamp;

use super::entity::tasks;
use super::outbox::micros;
use super::room::{Room, Values};
use super::{Store, entity, events, failed, rows};
use crate::domain::error::Error;
use crate::domain::events::EventKind;
use crate::domain::ports::{Claim, Claimed};
use crate::domain::queue::Bounds;

// Those who come out of their rest at once.
const AWAKENED: i64 = 1_000;

const OFF_PEAK: &str = "tasks WHERE status = 'pending' AND off_peak AND NOT resting";

// What there is to do, 0 or 1 each.
#[derive(Default, FromQueryResult)]
struct Due {
    // Tasks whose worker was lost.
    lost: i32,
    // Tasks in line.
    line: i32,
    // Tasks that have rested.
    rested: i32,
    // Off-peak tasks in line.
    off_peak: i32,
    // Providers that failed.
    cooled: i32,
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
        if due.lost + due.line + due.rested == 0 {
            return Ok(Vec::new());
        }
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let taker = Taker { worker, lease };
        let tx = self.db.begin().await.map_err(failed)?;
        let mut taken = Vec::new();
        if due.lost > 0 {
            taken = self.take_lost(&*tx, taker, limit).await?;
        }
        if due.rested > 0 {
            self.awaken(&*tx).await?;
        }
        if let Some(opening) = bounds.off_peak_from
            && due.off_peak + due.rested > 0
        {
            self.send_to_rest(&*tx, opening).await?;
        }
        if due.line + due.rested > 0 {
            let limit = limit - count(&taken);
            let is_bounded = due.cooled > 0 || bounds.counts();
            let fresh = match is_bounded {
                true => self.take_within(&*tx, taker, limit, bounds).await?,
                false => {
                    let room = Room::open(bounds);
                    self.take_line(&*tx, taker, limit, &room).await?
                }
            };
            if let Some(turn) = fresh.iter().map(|row| row.turn).max() {
                self.move_line(&*tx, turn, count(&fresh)).await?;
            }
            taken.extend(fresh);
        }
        let begun: Vec<_> = taken.iter().map(started).collect();
        row_set::make(&*tx, [events::rows(begun.iter())])
            .await
            .map_err(failed)?;
        // What cannot be read is not claimed, nor what was claimed with it.
        let claimed = taken.into_iter().map(rows::claimed);
        let claimed = claimed.collect::<Result<_, _>>()?;
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
        let is_there = |what: &str, name: &str| {
            format!("CASE WHEN EXISTS (SELECT 1 FROM {what}) THEN 1 ELSE 0 END AS {name}")
        };
        let lost = format!("tasks WHERE status = 'processing' AND lease_until <= {now}");
        let rested = format!("tasks WHERE status = 'pending' AND resting AND run_at <= {now}");
        let looks = [
            is_there(&lost, "lost"),
            is_there("tasks WHERE status = 'pending' AND NOT resting", "line"),
            is_there(&rested, "rested"),
            is_there(OFF_PEAK, "off_peak"),
            is_there("providers WHERE cool_until > 0", "cooled"),
        ];
        let sql = format!("SELECT {}", looks.join(", "));
        let line = self.db.reading().await.map_err(failed)?;
        let statement = Statement::from_string(line.get_database_backend(), sql);
        let due = Due::find_by_statement(statement).one(&line).await;
        let due = due.map_err(failed)?;
        line.hand_on();
        Ok(due.unwrap_or_default())
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

    // The off-peak window is closed: whoever has not begun waits until it opens, and keeps its turn.
    async fn send_to_rest(
        &self,
        db: &impl ConnectionTrait,
        opening: Timestamp,
    ) -> Result<(), Error> {
        let skip_locked = self.skip_locked();
        let sql = format!(
            "UPDATE tasks SET resting = TRUE, run_at = $1
            WHERE id IN (SELECT id FROM {OFF_PEAK} LIMIT {AWAKENED} {skip_locked})"
        );
        let values = [opening.micros().into()];
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        db.execute_raw(statement).await.map_err(failed)?;
        Ok(())
    }

    // Tasks whose worker did not extend its lease.
    async fn take_lost(
        &self,
        db: &impl ConnectionTrait,
        taker: Taker<'_>,
        limit: i64,
    ) -> Result<Vec<tasks::Model>, Error> {
        let (now, skip_locked) = (self.now_sql(), self.skip_locked());
        let chosen = format!(
            "WITH chosen AS MATERIALIZED (
                SELECT id FROM tasks WHERE status = 'processing' AND lease_until <= {now}
                ORDER BY lease_until LIMIT $1 {skip_locked})"
        );
        self.take(db, taker, &chosen, Values(vec![limit.into()]))
            .await
    }

    // One after the other claims within what is counted.
    async fn take_within(
        &self,
        db: &impl ConnectionTrait,
        taker: Taker<'_>,
        limit: i64,
        bounds: &Bounds,
    ) -> Result<Vec<tasks::Model>, Error> {
        self.lock_line(db).await?;
        let mut room = self.room(db, bounds).await?;
        let mut taken = Vec::new();
        // Those behind whom a bound left out may still be within it.
        while count(&taken) < limit {
            let left = limit - count(&taken);
            let more = self.take_line(db, taker, left, &room).await?;
            if more.is_empty() {
                break;
            }
            more.iter().for_each(|row| room.take(&row.provider));
            taken.extend(more);
        }
        for health in room.sending() {
            self.sending(db, &health).await?;
        }
        Ok(taken)
    }

    // The lowest turns there is room for.
    async fn take_line(
        &self,
        db: &impl ConnectionTrait,
        taker: Taker<'_>,
        limit: i64,
        room: &Room<'_>,
    ) -> Result<Vec<tasks::Model>, Error> {
        let (now, skip_locked) = (self.now_sql(), self.skip_locked());
        let mut values = Values(vec![limit.into()]);
        let (outside, within) = room.sql(&mut values);
        let chosen = format!(
            "WITH busy AS MATERIALIZED (
                SELECT owner, provider, COUNT(*) AS tasks FROM tasks
                WHERE status = 'processing' GROUP BY owner, provider),
            line AS MATERIALIZED (
                SELECT id, turn, owner, provider FROM tasks
                WHERE status = 'pending' AND NOT resting
                    AND (expires_at IS NULL OR expires_at > {now}) {outside}
                ORDER BY turn, id LIMIT $1 {skip_locked}),
            chosen AS MATERIALIZED ({within})"
        );
        self.take(db, taker, &chosen, values).await
    }

    // A materialised choice is made once; a plan that looked again while updating would take more than
    // the limit.
    async fn take(
        &self,
        db: &impl ConnectionTrait,
        taker: Taker<'_>,
        chosen: &str,
        mut values: Values,
    ) -> Result<Vec<tasks::Model>, Error> {
        let sql = format!(
            "{chosen}
            UPDATE tasks SET status = 'processing', fence = fence + 1, worker = {worker},
                lease_until = {now} + {lease}, last_sequence = last_sequence + 1,
                updated_at = {updated}
            WHERE id IN (SELECT id FROM chosen) RETURNING *",
            worker = values.bind(taker.worker),
            lease = values.bind(micros(taker.lease)),
            updated = values.bind(self.clock.now().micros()),
            now = self.now_sql(),
        );
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values.0);
        let taken = tasks::Entity::find().from_raw_sql(statement);
        taken.all(db).await.map_err(failed)
    }
}

// Who takes, and for how long.
#[derive(Clone, Copy)]
struct Taker<'a> {
    worker: &'a str,
    lease: Duration,
}

fn started(row: &tasks::Model) -> entity::events::Model {
    let message = match row.fence {
        1 => "",
        _ => "a worker goes on with it",
    };
    events::of(row, EventKind::Started, message)
}

fn count(rows: &[tasks::Model]) -> i64 {
    i64::try_from(rows.len()).unwrap_or(i64::MAX)
}

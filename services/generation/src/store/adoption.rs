//! Which reservation belongs to which task, and the rule that keeps "no task has it, and none will"
//! true.
//!
//! The usage service asks about a reservation once it has expired, and lets it go when no task has
//! it. So a task is stored only while the database's clock is before the reservation's `expires_at`,
//! and both sides look under one lock: whoever asks first waits until a task that is just being
//! stored, however slowly, is committed or is not; whoever comes to store one after that finds it
//! expired. Only clocks that differ by more than the usage service waits after the expiry (60 s)
//! could come between. On PostgreSQL the lock is an advisory one per reservation; SQLite has one
//! writer.

use std::collections::HashMap;

use async_trait::async_trait;
use database::{Backend, DatabaseError};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, Statement, Value,
};
use types::{GenerationId, ReservationId, Timestamp};
use uuid::Uuid;

use super::entity::{outbox, tasks};
use super::{Store, failed, unreadable, written};
use crate::domain::error::Error;
use crate::domain::generation::Status;
use crate::domain::keeper::Standing;
use crate::domain::ports::{Adoptions, NewTask};
use crate::domain::settlement::{Call, Resolution};

impl Store {
    /// Writes the task's row with its turn, unless its reservation has a task or has expired, or too many
    /// of its owner wait. By hand, for its `run_at` and the expiry are by the database's own now.
    pub(super) async fn adopt(
        &self,
        db: &impl ConnectionTrait,
        task: &NewTask,
    ) -> Result<tasks::Model, Error> {
        self.lock_reservation(db, task.hold.reservation.uuid())
            .await?;
        let turn = self.take_turn(db, task).await?;
        let now = self.now_sql();
        let sql = format!(
            "INSERT INTO tasks (id, owner, tier, kind, status, request, session_id,
                reservation_id, provider, model, ignored, price_microusd, price_version, run_at,
                resting, turn, expires_at, route, off_peak, last_sequence, created_at, updated_at)
            SELECT $1, $2, $3, $4, 'pending', $5, $6, $7, $8, $9, $10, $11, $12,
                CASE WHEN $15 > {now} THEN $15 ELSE {now} END, $15 > {now}, $16, $17, $18, $19,
                1, $13, $13
            WHERE {now} < $14
            RETURNING *"
        );
        let values = values_of(task, turn)?;
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        let inserted = tasks::Entity::find().from_raw_sql(statement).one(db).await;
        match inserted.map_err(DatabaseError::from) {
            Ok(row) => row.ok_or(Error::ReservationExpired),
            // The one unique column besides the id, which nobody chose.
            Err(DatabaseError::Duplicate(constraint)) if constraint.contains("reservation") => {
                Err(Error::ReservationUsed)
            }
            Err(error) => Err(failed(error)),
        }
    }

    // Until the transaction is over, its commit included. The low half of a UUID is random.
    async fn lock_reservation(
        &self,
        db: &impl ConnectionTrait,
        reservation: Uuid,
    ) -> Result<(), Error> {
        if self.db.backend() != Backend::Postgres {
            return Ok(());
        }
        let (_, low) = reservation.as_u64_pair();
        let key = Value::from(low.cast_signed());
        let sql = "SELECT pg_advisory_xact_lock($1)";
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [key]);
        db.execute_raw(statement).await.map_err(failed)?;
        Ok(())
    }

    async fn tasks_with(
        &self,
        db: &impl ConnectionTrait,
        reservations: &[Uuid],
    ) -> Result<Vec<tasks::Model>, Error> {
        let ids = reservations.iter().copied();
        let found = tasks::Entity::find().filter(tasks::Column::ReservationId.is_in(ids));
        found.all(db).await.map_err(failed)
    }
}

#[async_trait]
impl Adoptions for Store {
    async fn is_adopted(&self, reservation: ReservationId) -> Result<bool, Error> {
        let found =
            tasks::Entity::find().filter(tasks::Column::ReservationId.eq(reservation.uuid()));
        let found = found.count(self.db.write()).await.map_err(failed)?;
        Ok(found > 0)
    }

    async fn standings(
        &self,
        reservations: &[ReservationId],
    ) -> Result<HashMap<ReservationId, Standing>, Error> {
        let mut missing: Vec<Uuid> = reservations.iter().map(|one| one.uuid()).collect();
        missing.sort_unstable();
        missing.dedup();
        // Most have a task; only for the others it matters whether one is just being stored.
        let mut found = self.tasks_with(self.db.write(), &missing).await?;
        missing.retain(|id| found.iter().all(|row| row.reservation_id != Some(*id)));
        if !missing.is_empty() {
            let tx = self.db.begin().await.map_err(failed)?;
            for reservation in &missing {
                self.lock_reservation(&*tx, *reservation).await?;
            }
            found.extend(self.tasks_with(&*tx, &missing).await?);
            tx.commit().await.map_err(failed)?;
        }
        let owing = outbox::Entity::find()
            .filter(outbox::Column::TaskId.is_in(found.iter().map(|row| row.id)))
            .all(self.db.write())
            .await
            .map_err(failed)?;
        let standing = |row: &tasks::Model| {
            let has_ended = Status::read(&row.status).is_some_and(Status::is_terminal);
            match has_ended && owing.iter().all(|owed| owed.task_id != row.id) {
                true => Standing::Delivered(GenerationId(row.id)),
                false => Standing::Open,
            }
        };
        let standings = (found.iter())
            .filter_map(|row| Some((ReservationId(row.reservation_id?), standing(row))));
        Ok(standings.collect())
    }

    async fn owe_again(&self, task: GenerationId) -> Result<(), Error> {
        let db = self.db.write();
        let row = tasks::Entity::find_by_id(task.uuid()).one(db).await;
        let row = row.map_err(failed)?.ok_or(Error::NotFound)?;
        let Some(text) = &row.resolution else {
            return Ok(());
        };
        let resolution: Resolution =
            serde_json::from_str(text).map_err(|_| unreadable("resolution"))?;
        self.owe(db, &row, &Call::Resolve(resolution)).await
    }
}

fn values_of(task: &NewTask, turn: i64) -> Result<[Value; 19], Error> {
    let schedule = task.spot.schedule;
    Ok([
        task.id.uuid().into(),
        task.patron.id.uuid().into(),
        task.patron.tier.clone().into(),
        task.kind.as_str().into(),
        written(&task.request)?.into(),
        task.session.map(|session| session.uuid()).into(),
        task.hold.reservation.uuid().into(),
        task.provider.clone().into(),
        task.model.clone().into(),
        written(&task.ignored)?.into(),
        task.hold.price.amount.0.into(),
        task.hold.price.version.clone().into(),
        task.created_at.micros().into(),
        task.hold.expires_at.micros().into(),
        schedule.not_before.map_or(0, Timestamp::micros).into(),
        turn.into(),
        schedule.expires_at.map(Timestamp::micros).into(),
        written(&task.itinerary)?.into(),
        schedule.off_peak.into(),
    ])
}

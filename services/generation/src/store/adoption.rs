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

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use database::row_set::{Cell, Column, Kind, Rows};
use database::{DatabaseError, Locks, Transaction};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use types::{GenerationId, ReservationId, SessionId, Timestamp};
use uuid::Uuid;

use super::entity::{outbox, tasks};
use super::lookup::Question;
use super::{Store, failed, unreadable, written};
use crate::domain::error::Error;
use crate::domain::generation::Status;
use crate::domain::keeper::Standing;
use crate::domain::ports::{Adoptions, NewTask};
use crate::domain::queue::Schedule;
use crate::domain::settlement::{Call, Resolution};

const TASKS: [Column; 22] = [
    ("id", Kind::Id),
    ("owner", Kind::Id),
    ("tier", Kind::Text),
    ("kind", Kind::Text),
    ("request", Kind::Text),
    ("has_session", Kind::Number),
    ("session_id", Kind::Id),
    ("reservation_id", Kind::Id),
    ("provider", Kind::Text),
    ("model", Kind::Text),
    ("ignored", Kind::Text),
    ("price_microusd", Kind::Number),
    ("price_version", Kind::Text),
    ("not_before", Kind::Number),
    ("turn", Kind::Number),
    ("expires_at", Kind::Number),
    ("route", Kind::Text),
    ("off_peak", Kind::Number),
    ("has_result_key", Kind::Number),
    ("result_key", Kind::Bytes),
    ("created_at", Kind::Number),
    ("held_until", Kind::Number),
];

impl Store {
    /// Writes the tasks' rows that have a turn, unless their reservations have tasks or have expired. By
    /// hand, for `run_at` and the expiry are by the database's own now.
    pub(super) async fn adopt(
        &self,
        db: &impl ConnectionTrait,
        wishes: &[&NewTask],
        turns: &[Result<i64, Error>],
    ) -> Result<HashMap<Uuid, tasks::Model>, Error> {
        let placed = wishes.iter().zip(turns);
        let placed = placed.filter_map(|(task, turn)| Some((task, turn.as_ref().ok()?)));
        let rows: Vec<[Cell; 22]> = placed
            .map(|(task, turn)| cells_of(task, *turn))
            .collect::<Result<_, _>>()?;
        if rows.is_empty() {
            return Ok(HashMap::new());
        }
        let now = self.now_sql();
        let sql = format!(
            "INSERT INTO tasks (id, owner, tier, kind, status, request, session_id,
                reservation_id, provider, model, ignored, price_microusd, price_version, run_at,
                resting, turn, expires_at, route, off_peak, result_key, last_sequence, created_at, updated_at)
            SELECT id, owner, tier, kind, 'pending', request,
                CASE WHEN has_session = 1 THEN session_id END, reservation_id, provider, model,
                ignored, price_microusd, price_version,
                CASE WHEN not_before > {now} THEN not_before ELSE {now} END, not_before > {now},
                turn, NULLIF(expires_at, 0), route, off_peak <> 0, CASE WHEN has_result_key = 1 THEN result_key END,
                1, created_at, created_at
            FROM {{given}} WHERE {now} < held_until
            ON CONFLICT (reservation_id) DO NOTHING RETURNING *"
        );
        let statement = Rows::new(&TASKS, rows).statement(db, &sql);
        let statement = statement.map_err(failed)?;
        let inserted = tasks::Entity::find().from_raw_sql(statement).all(db).await;
        let inserted = inserted.map_err(failed)?.into_iter();
        Ok(inserted.map(|row| (row.id, row)).collect())
    }

    /// Begins a transaction that locks reservations until it is over, its commit included; whoever locks
    /// several does so in the same order.
    pub(super) async fn begin_locking(
        &self,
        reservations: &[Uuid],
    ) -> Result<Transaction, DatabaseError> {
        // The low half of a UUID is random.
        let low = |id: &Uuid| id.as_u64_pair().1.cast_signed();
        let keys: BTreeSet<i64> = reservations.iter().map(low).collect();
        let keys: Vec<i64> = keys.into_iter().collect();
        self.db.begin_holding(Locks::Alone(&keys)).await
    }

    pub(super) async fn tasks_with(
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
        let reservation = reservation.uuid();
        let found = self.look_up(reservation, Question::With { reservation });
        Ok(found.await?.is_some())
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
            let tx = self.begin_locking(&missing).await.map_err(failed)?;
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

fn cells_of(task: &NewTask, turn: i64) -> Result<[Cell; 22], Error> {
    let Schedule {
        not_before,
        expires_at,
        off_peak,
    } = task.spot.schedule;
    let session = task.session.map(SessionId::uuid);
    let result_key = task.result_key.as_ref().map(|key| key.to_vec());
    Ok([
        task.id.uuid().into(),
        task.patron.id.uuid().into(),
        task.patron.tier.clone().into(),
        task.kind.as_str().into(),
        written(&task.request)?.into(),
        i64::from(session.is_some()).into(),
        session.unwrap_or_default().into(),
        task.hold.reservation.uuid().into(),
        task.provider.clone().into(),
        task.model.clone().into(),
        written(&task.ignored)?.into(),
        task.hold.price.amount.0.into(),
        task.hold.price.version.clone().into(),
        not_before.map_or(0, Timestamp::micros).into(),
        turn.into(),
        expires_at.map_or(0, Timestamp::micros).into(),
        written(&task.itinerary)?.into(),
        i64::from(off_peak).into(),
        i64::from(result_key.is_some()).into(),
        result_key.unwrap_or_default().into(),
        task.created_at.micros().into(),
        task.hold.expires_at.micros().into(),
    ])
}

//! New tasks: those that come at the same moment are stored in one transaction, and each is taken or
//! refused by itself.

use std::collections::HashMap;
use std::sync::Arc;

use database::row_set::{self, Cell, Column, Kind, Rows, Write};
use database::teller::Round;
use errors::Fault;
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::entity::tasks;
use super::queue::Turns;
use super::{Hindrance, Store, events, failed, is_broken, share};
use crate::domain::error::Error;
use crate::domain::events::EventKind;
use crate::domain::ports::NewTask;
use crate::domain::settlement::Call;

const DEBTS: [Column; 4] = [
    ("id", Kind::Id),
    ("kind", Kind::Text),
    ("reservation_id", Kind::Id),
    ("task_id", Kind::Id),
];

type Row = Result<tasks::Model, Error>;

impl Round for Store {
    type Wish = NewTask;
    type Outcome = Row;
    type Error = Error;

    async fn post(&self, wishes: &[NewTask]) -> Result<Vec<Row>, Error> {
        let wishes: Vec<&NewTask> = wishes.iter().collect();
        let stored = self.db.within_patience(self.store_all(&wishes)).await;
        stored.map_err(|Hindrance(error)| error)
    }

    fn is_fault(error: &Error) -> bool {
        is_broken(error)
    }

    fn undone(error: &Arc<Error>) -> Row {
        Err(share(error))
    }
}

impl Store {
    async fn store_all(&self, wishes: &[&NewTask]) -> Result<Vec<Row>, Hindrance> {
        let tx = self.db.begin().await?;
        let rows = self.insert_tasks(&*tx, wishes).await.map_err(Hindrance)?;
        tx.commit().await?;
        Ok(rows)
    }

    /// Stores tasks, their first events and the confirmations of their reservations; and the ends of those
    /// that have a result already. A task that is refused leaves nothing.
    pub(super) async fn insert_tasks(
        &self,
        db: &impl ConnectionTrait,
        wishes: &[&NewTask],
    ) -> Result<Vec<Row>, Error> {
        let reservations: Vec<Uuid> = wishes.iter().map(|task| reservation(task)).collect();
        self.lock_reservations(db, &reservations).await?;
        let Turns {
            mut places,
            mut last,
        } = self.line_up(db, wishes).await?;
        for (task, place) in wishes.iter().zip(&mut places) {
            if let (Ok(_), Some(key)) = (&place, &task.key) {
                match self.keep_key(db, task.patron.id.uuid(), key).await {
                    Err(refused @ Error::Key(_)) => *place = Err(refused),
                    kept => kept?,
                }
            }
        }
        let mut rows = self.adopt(db, wishes, &places).await?;
        last.retain(|owner, _| rows.values().any(|row| row.owner == *owner));
        self.write_beginnings(db, &rows, &last).await?;
        let mut stored = Vec::with_capacity(wishes.len());
        for (task, place) in wishes.iter().zip(places) {
            stored.push(match (place, rows.remove(&task.id.uuid())) {
                (Ok(_), Some(row)) => Ok(self.begin_life(db, row, task).await?),
                (Ok(_), None) => Err(self.not_adopted(db, task).await?),
                (Err(refused), _) => Err(refused),
            });
        }
        Ok(stored)
    }

    async fn write_beginnings(
        &self,
        db: &impl ConnectionTrait,
        rows: &HashMap<Uuid, tasks::Model>,
        last: &HashMap<Uuid, i64>,
    ) -> Result<(), Error> {
        let queued = rows
            .values()
            .map(|row| events::of(row, EventKind::Queued, ""));
        let queued: Vec<_> = queued.collect();
        let writes = [
            turns(last),
            events::rows(queued.iter()),
            confirmations(rows),
        ];
        let is_whole = row_set::make(db, writes).await;
        match is_whole.map_err(failed)? {
            true => Ok(()),
            false => Err(Error::Store(Fault::internal("a task was stored in part"))),
        }
    }

    // It may have a result from before.
    async fn begin_life(
        &self,
        db: &impl ConnectionTrait,
        row: tasks::Model,
        task: &NewTask,
    ) -> Result<tasks::Model, Error> {
        match &task.reused {
            Some(reused) => {
                self.complete_at_once(db, row.id, reused, task.created_at)
                    .await
            }
            None => Ok(row),
        }
    }

    // Why a task has no row, although it had a turn: what was written for it goes again.
    async fn not_adopted(&self, db: &impl ConnectionTrait, task: &NewTask) -> Result<Error, Error> {
        if let Some(key) = &task.key {
            self.drop_key(db, task.patron.id.uuid(), key).await?;
        }
        let others = self.tasks_with(db, &[reservation(task)]).await?;
        Ok(match others.is_empty() {
            true => Error::ReservationExpired,
            false => Error::ReservationUsed,
        })
    }
}

fn reservation(task: &NewTask) -> Uuid {
    task.hold.reservation.uuid()
}

fn turns(last: &HashMap<Uuid, i64>) -> Option<Write> {
    const OWNERS: [Column; 2] = [("owner", Kind::Id), ("last_turn", Kind::Number)];
    let rows = last
        .iter()
        .map(|(owner, turn)| [(*owner).into(), (*turn).into()]);
    let sql = "UPDATE owners SET last_turn = given.last_turn FROM {given}
        WHERE owners.owner = given.owner";
    Write::new("turns", sql, Rows::new(&OWNERS, rows))
}

fn confirmations(rows: &HashMap<Uuid, tasks::Model>) -> Option<Write> {
    let rows = rows.values().filter_map(|row| -> Option<[Cell; 4]> {
        let kind = Call::Confirm.as_str();
        let reservation = row.reservation_id?;
        Some([
            Uuid::now_v7().into(),
            kind.into(),
            reservation.into(),
            row.id.into(),
        ])
    });
    // Due before any clock: whatever its database says, now is later.
    let sql = "INSERT INTO outbox (id, kind, reservation_id, task_id, due_at, tries)
        SELECT id, kind, reservation_id, task_id, 0, 0 FROM {given}";
    Write::new("confirmations", sql, Rows::new(&DEBTS, rows))
}

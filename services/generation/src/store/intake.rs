//! New tasks: those that come at the same moment are stored in one transaction, and each is taken or
//! refused by itself.

use std::collections::HashMap;
use std::sync::Arc;

use database::row_set::{self, Cell, Column, Kind, Rows, Write};
use database::teller::Round;
use database::{DatabaseError, Transaction};
use errors::Fault;
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::entity::tasks;
use super::queue::Turns;
use super::{Hindrance, Store, events, failed, is_broken, share};
use crate::domain::error::Error;
use crate::domain::events::EventKind;
use crate::domain::ports::NewTask;
use crate::domain::queue::Place;
use crate::domain::settlement::Call;

const DEBTS: [Column; 4] = [
    ("id", Kind::Id),
    ("kind", Kind::Text),
    ("reservation_id", Kind::Id),
    ("task_id", Kind::Id),
];

// In microseconds. A reservation holds for minutes; what has ended by then is resolved, and was never
// confirmed.
const CONFIRMED_AFTER: i64 = 1_000_000;

type Row = Result<tasks::Model, Error>;

/// A new task as it was stored, and where it stands.
pub struct Stored {
    pub(super) row: tasks::Model,
    pub(super) place: Option<Place>,
}

impl Round for Store {
    type Wish = NewTask;
    type Outcome = Result<Stored, Error>;
    type Error = Error;

    async fn post(&self, wishes: &[NewTask]) -> Result<Vec<Self::Outcome>, Error> {
        let wishes: Vec<&NewTask> = wishes.iter().collect();
        let rows = self.db.within_patience(self.store_all(&wishes)).await;
        let rows = rows.map_err(|Hindrance(error)| error)?;
        let mut places = self.stand(&rows).await;
        let stored = rows.into_iter().map(|row| {
            row.map(|row| Stored {
                place: places.remove(&row.id),
                row,
            })
        });
        Ok(stored.collect())
    }

    fn is_fault(error: &Error) -> bool {
        is_broken(error)
    }

    fn undone(error: &Arc<Error>) -> Self::Outcome {
        Err(share(error))
    }
}

impl Store {
    async fn store_all(&self, wishes: &[&NewTask]) -> Result<Vec<Row>, Hindrance> {
        let tx = self.begin_intake(wishes).await?;
        let rows = self.insert_tasks(&*tx, wishes).await.map_err(Hindrance)?;
        tx.commit().await?;
        Ok(rows)
    }

    // They are accepted, whether or not their places can be told.
    async fn stand(&self, rows: &[Row]) -> HashMap<Uuid, Place> {
        let found: Vec<&tasks::Model> = rows.iter().flatten().collect();
        let looked = async {
            let line = self.db.reading().await?;
            let places = self.places_of(&line, &found).await.map_err(Hindrance)?;
            line.hand_on();
            Ok::<_, Hindrance>(places)
        };
        let places = self.db.within_patience(looked).await;
        places.unwrap_or_default()
    }

    /// Begins the transaction that stores these tasks.
    pub(super) async fn begin_intake(
        &self,
        wishes: &[&NewTask],
    ) -> Result<Transaction, DatabaseError> {
        let reservations: Vec<Uuid> = wishes.iter().map(|task| reservation(task)).collect();
        self.begin_locking(&reservations).await
    }

    /// Stores tasks, their first events and the confirmations of their reservations; and the ends of those
    /// that have a result already. A task that is refused leaves nothing.
    pub(super) async fn insert_tasks(
        &self,
        db: &impl ConnectionTrait,
        wishes: &[&NewTask],
    ) -> Result<Vec<Row>, Error> {
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
            confirmations(rows, &self.now_sql()),
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

fn confirmations(rows: &HashMap<Uuid, tasks::Model>, now: &str) -> Option<Write> {
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
    let sql = format!(
        "INSERT INTO outbox (id, kind, reservation_id, task_id, due_at, tries)
        SELECT id, kind, reservation_id, task_id, {now} + {CONFIRMED_AFTER}, 0 FROM {{given}}"
    );
    Write::new("confirmations", sql, Rows::new(&DEBTS, rows))
}

//! Looking tasks up: those that are asked for at the same moment are read together.

use std::collections::HashMap;
use std::sync::Arc;

use database::row_set::{Column, Kind, Rows};
use database::teller::Round;
use sea_orm::{ConnectionTrait, EntityTrait};
use uuid::Uuid;

use super::entity::{outputs, tasks};
use super::{Hindrance, Store, failed, is_broken, rows, share};
use crate::domain::error::Error;
use crate::domain::generation::Generation;
use crate::domain::queue::Place;

const OWNED: [Column; 2] = [("id", Kind::Id), ("owner", Kind::Id)];

/// Which task is asked for.
#[derive(Debug, Clone, Copy)]
pub enum Question {
    /// One of an owner.
    Owned {
        /// Whose.
        owner: Uuid,
        /// Which.
        id: Uuid,
    },
    /// The one a reservation belongs to.
    With {
        /// Which reservation.
        reservation: Uuid,
    },
}

/// Looks tasks up in a store.
#[derive(Clone)]
pub struct Lookup(pub(super) Store);

type Answer = Result<Option<Generation>, Error>;

impl Round for Lookup {
    type Wish = Question;
    type Outcome = Answer;
    type Error = Error;

    async fn post(&self, questions: &[Question]) -> Result<Vec<Answer>, Error> {
        let seen = async { self.0.see(questions).await.map_err(Hindrance) };
        let seen = self.0.db.within_patience(seen).await;
        let seen = seen.map_err(|Hindrance(error)| error)?;
        let answers = questions.iter().map(|question| {
            let is_it = |one: &&Seen| match *question {
                Question::Owned { owner, id } => one.row.id == id && one.row.owner == owner,
                Question::With { reservation } => one.row.reservation_id == Some(reservation),
            };
            let found = match *question {
                Question::Owned { id, .. } => seen.get(&id).filter(is_it),
                Question::With { .. } => seen.values().find(is_it),
            };
            found.cloned().map(Seen::read).transpose()
        });
        Ok(answers.collect())
    }

    fn is_fault(error: &Error) -> bool {
        is_broken(error)
    }

    fn undone(error: &Arc<Error>) -> Answer {
        Err(share(error))
    }
}

// A task and what belongs to it.
#[derive(Clone)]
struct Seen {
    row: tasks::Model,
    files: Vec<outputs::Model>,
    place: Option<Place>,
}

impl Seen {
    fn read(self) -> Result<Generation, Error> {
        let generation = rows::generation(self.row, self.files)?;
        Ok(Generation {
            place: self.place,
            ..generation
        })
    }
}

impl Store {
    async fn see(&self, questions: &[Question]) -> Result<HashMap<Uuid, Seen>, Error> {
        let line = self.db.reading().await.map_err(failed)?;
        let found = self.read_tasks(&line, questions).await?;
        let mut files = self.outputs_of(&line, &found).await?;
        let rows: Vec<&tasks::Model> = found.iter().collect();
        let mut places = self.places_of(&line, &rows).await?;
        line.hand_on();
        let seen = found.into_iter().map(|row| {
            let seen = Seen {
                files: files.remove(&row.id).unwrap_or_default(),
                place: places.remove(&row.id),
                row,
            };
            (seen.row.id, seen)
        });
        Ok(seen.collect())
    }

    // Each once, however many ask for it.
    async fn read_tasks(
        &self,
        db: &impl ConnectionTrait,
        questions: &[Question],
    ) -> Result<Vec<tasks::Model>, Error> {
        let (mut owned, mut reservations) = (Vec::new(), Vec::new());
        for question in questions {
            match *question {
                Question::Owned { owner, id } => owned.push([id.into(), owner.into()]),
                Question::With { reservation } => reservations.push(reservation),
            }
        }
        let mut found: Vec<tasks::Model> = Vec::new();
        if !owned.is_empty() {
            let sql = "SELECT * FROM tasks WHERE (id, owner) IN (SELECT id, owner FROM {given})";
            let statement = Rows::new(&OWNED, owned).statement(db, sql);
            let query = tasks::Entity::find().from_raw_sql(statement.map_err(failed)?);
            found = query.all(db).await.map_err(failed)?;
        }
        if !reservations.is_empty() {
            let mut others = self.tasks_with(db, &reservations).await?;
            others.retain(|other| found.iter().all(|row| row.id != other.id));
            found.extend(others);
        }
        Ok(found)
    }
}

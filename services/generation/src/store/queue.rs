//! The line: who stands where, and how fast it moves.

use std::collections::{BTreeMap, HashMap};

use database::Backend;
use database::row_set::{Column, Kind, Rows};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, PaginatorTrait};
use sea_orm::{QueryFilter, QuerySelect, Statement};
use types::{Timestamp, UserId};
use uuid::Uuid;

use super::entity::tasks;
use super::{Store, failed, unreadable};
use crate::domain::error::Error;
use crate::domain::generation::Status;
use crate::domain::ports::NewTask;
use crate::domain::queue::{MOST_COUNTED, Place, Spot};
use crate::domain::quote::Prospect;

// How fast the line moved longer ago says nothing about now.
const PACE_STANDS: i64 = 600_000_000;
// How much of the pace its last measure makes: an eighth.
const SMOOTHING: i64 = 8;

const OWNERS: [Column; 1] = [("owner", Kind::Id)];
const TURNS: [Column; 2] = [("id", Kind::Id), ("turn", Kind::Number)];

/// The turns of new tasks.
pub(super) struct Turns {
    /// Each one's, or why it has none.
    pub places: Vec<Result<i64, Error>>,
    /// The last one of each owner.
    pub last: HashMap<Uuid, i64>,
}

impl Turns {
    // Who has nothing waiting goes just before those who are at the same point and have.
    fn give(
        &mut self,
        owner: Uuid,
        (mut last, found): (i64, &Waiting),
        indexes: &[usize],
        wishes: &[&NewTask],
    ) {
        let mut waiting = u64::try_from(found.waiting).unwrap_or_default();
        for index in indexes {
            let (Some(task), Some(place)) = (wishes.get(*index), self.places.get_mut(*index))
            else {
                continue;
            };
            let Spot {
                step, max_pending, ..
            } = task.spot;
            if max_pending > 0 && waiting >= max_pending {
                *place = Err(Error::QueueFull(max_pending));
                continue;
            }
            last = (last + step).max(found.now_turn + step - 1);
            waiting += 1;
            *place = Ok(last);
            self.last.insert(owner, last);
        }
    }
}

#[derive(FromQueryResult)]
struct Held {
    owner: Uuid,
    last_turn: i64,
}

#[derive(FromQueryResult)]
struct Waiting {
    owner: Uuid,
    now_turn: i64,
    waiting: i64,
}

#[derive(FromQueryResult)]
struct Turn {
    last_turn: i64,
}

#[derive(FromQueryResult)]
struct Line {
    id: Uuid,
    ahead: i64,
    pace: Option<i64>,
    paced_at: Option<i64>,
}

impl Line {
    fn place(self, now: Timestamp) -> Place {
        let is_known = self.ahead < i64::from(MOST_COUNTED)
            && (self.paced_at).is_some_and(|at| at > now.micros() - PACE_STANDS);
        let wait = |pace: i64| Timestamp(now.micros() + pace.saturating_mul(self.ahead + 1));
        Place {
            position: u32::try_from(self.ahead + 1).ok(),
            starts_at: self.pace.filter(|_| is_known).map(wait),
        }
    }
}

impl Store {
    /// Gives new tasks their turns, or refuses those of owners who have too many waiting. Until the
    /// transaction ends it holds the rows of the owners, so that nobody else of theirs is let in between
    /// counting and storing.
    pub(super) async fn line_up(
        &self,
        db: &impl ConnectionTrait,
        wishes: &[&NewTask],
    ) -> Result<Turns, Error> {
        let mut groups: BTreeMap<Uuid, Vec<usize>> = BTreeMap::new();
        for (index, task) in wishes.iter().enumerate() {
            groups.entry(task.patron.id.uuid()).or_default().push(index);
        }
        let owners = groups.keys().map(|owner| [(*owner).into()]);
        let sql = "INSERT INTO owners (owner, last_turn)
            SELECT owner, -1 FROM {given} WHERE TRUE ORDER BY owner
            ON CONFLICT (owner) DO UPDATE SET last_turn = owners.last_turn
            RETURNING owner, last_turn";
        let statement = Rows::new(&OWNERS, owners).statement(db, sql);
        let held = Held::find_by_statement(statement.map_err(failed)?).all(db);
        let held = held.await.map_err(failed)?.into_iter();
        let held: HashMap<Uuid, i64> = held.map(|one| (one.owner, one.last_turn)).collect();
        let waiting = self.waiting(db, &groups, wishes).await?;
        let mut turns = Turns {
            places: wishes.iter().map(|_| Ok(0)).collect(),
            last: HashMap::new(),
        };
        for (owner, indexes) in groups {
            let last = held.get(&owner).copied();
            let last = last.ok_or_else(|| unreadable("owner"))?;
            let found = waiting.iter().find(|one| one.owner == owner);
            let found = found.ok_or_else(|| unreadable("queue"))?;
            turns.give(owner, (last, found), &indexes, wishes);
        }
        Ok(turns)
    }

    // How many of each owner wait, counted up to what anyone may have.
    async fn waiting(
        &self,
        db: &impl ConnectionTrait,
        groups: &BTreeMap<Uuid, Vec<usize>>,
        wishes: &[&NewTask],
    ) -> Result<Vec<Waiting>, Error> {
        let most = wishes.iter().map(|task| task.spot.max_pending).max();
        let most = most.unwrap_or_default();
        let sql = format!(
            "SELECT given.owner AS owner, (SELECT turn FROM queue WHERE id = 1) AS now_turn,
                (SELECT COUNT(*) FROM (SELECT 1 FROM tasks
                    WHERE tasks.owner = given.owner AND status = 'pending'
                    LIMIT {most}) AS counted) AS waiting
            FROM {{given}}"
        );
        let owners = groups.keys().map(|owner| [(*owner).into()]);
        let statement = Rows::new(&OWNERS, owners).statement(db, &sql);
        let waiting = Waiting::find_by_statement(statement.map_err(failed)?);
        waiting.all(db).await.map_err(failed)
    }

    /// Where those of these tasks stand now that wait.
    pub(super) async fn places_of(
        &self,
        db: &impl ConnectionTrait,
        found: &[&tasks::Model],
    ) -> Result<HashMap<Uuid, Place>, Error> {
        let waiting = found.iter().copied();
        let waiting = waiting.filter(|row| row.status == Status::Pending.as_str());
        let (resting, standing): (Vec<_>, Vec<_>) = waiting.partition(|row| row.resting);
        let standing = standing.into_iter().map(|row| (row.id, row.turn));
        let mut places = self.places_at(db, standing).await?;
        let resting = resting.into_iter();
        places.extend(resting.map(|row| (row.id, Place::later(Timestamp(row.run_at)))));
        Ok(places)
    }

    /// How an owner's next order would stand in line.
    pub(super) async fn look_ahead(&self, owner: UserId, spot: &Spot) -> Result<Prospect, Error> {
        let sql = "SELECT CASE WHEN owners.last_turn + $2 > queue.turn + $2 - 1
                THEN owners.last_turn + $2 ELSE queue.turn + $2 - 1 END AS last_turn
            FROM queue LEFT JOIN owners ON owners.owner = $1 WHERE queue.id = 1";
        let db = self.db.read();
        let values = [owner.uuid().into(), spot.step.into()];
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        let turn = Turn::find_by_statement(statement).one(db).await;
        let turn = turn.map_err(failed)?.ok_or_else(|| unreadable("queue"))?;
        // Behind whoever has the same turn.
        let last = Uuid::max();
        let mut places = self.places_at(db, [(last, turn.last_turn)]).await?;
        Ok(Prospect {
            place: places.remove(&last).ok_or_else(|| unreadable("queue"))?,
            is_full: self.is_full(db, owner.uuid(), spot.max_pending).await?,
        })
    }

    async fn is_full(
        &self,
        db: &impl ConnectionTrait,
        owner: Uuid,
        most: u64,
    ) -> Result<bool, Error> {
        if most == 0 {
            return Ok(false);
        }
        let waiting = tasks::Entity::find()
            .filter(tasks::Column::Owner.eq(owner))
            .filter(tasks::Column::Status.eq(Status::Pending.as_str()))
            .limit(most);
        Ok(waiting.count(db).await.map_err(failed)? >= most)
    }

    // Where these ids stand with their turns. The beginning of the line is read once for all.
    async fn places_at(
        &self,
        db: &impl ConnectionTrait,
        turns: impl IntoIterator<Item = (Uuid, i64)>,
    ) -> Result<HashMap<Uuid, Place>, Error> {
        let (far, near): (Vec<_>, Vec<_>) =
            (turns.into_iter()).partition(|(id, turn)| self.horizon.is_before((*turn, *id)));
        let far = far.into_iter().map(|(id, _)| (id, Place::BEYOND));
        let mut places: HashMap<Uuid, Place> = far.collect();
        if near.is_empty() {
            return Ok(places);
        }
        let turns = near.iter().map(|(id, turn)| [(*id).into(), (*turn).into()]);
        let sql = format!(
            "WITH line AS MATERIALIZED (
                SELECT turn, id FROM tasks WHERE status = 'pending' AND NOT resting
                ORDER BY turn, id LIMIT {MOST_COUNTED})
            SELECT given.id AS id, pace, paced_at, (
                SELECT COUNT(*) FROM line WHERE (line.turn, line.id) < (given.turn, given.id)) AS ahead
            FROM {{given}}, queue WHERE queue.id = 1"
        );
        let statement = Rows::new(&TURNS, turns).statement(db, &sql);
        let lines = Line::find_by_statement(statement.map_err(failed)?);
        let now = self.clock.now();
        let lines = lines.all(db).await.map_err(failed)?;
        let turns: HashMap<Uuid, i64> = near.into_iter().collect();
        for line in lines {
            let turn = turns.get(&line.id);
            if let Some(turn) = turn.filter(|_| line.ahead >= i64::from(MOST_COUNTED)) {
                self.horizon.see((*turn, line.id));
            }
            places.insert(line.id, line.place(now));
        }
        Ok(places)
    }

    /// Whoever claims within bounds counts what runs; so only one of them does at a time.
    pub(super) async fn lock_line(&self, db: &impl ConnectionTrait) -> Result<(), Error> {
        if self.db.backend() == Backend::Postgres {
            let sql = "SELECT turn FROM queue WHERE id = 1 FOR UPDATE";
            db.execute_unprepared(sql).await.map_err(failed)?;
        }
        Ok(())
    }

    /// Turns up to `turn` were claimed, so many at once. Between two claims that both left somebody in
    /// line, the workers set the pace; any other wait is for orders.
    pub(super) async fn move_line(
        &self,
        db: &impl ConnectionTrait,
        turn: i64,
        claimed: i64,
    ) -> Result<(), Error> {
        let now = self.now_sql();
        let sql = format!(
            "UPDATE queue SET turn = CASE WHEN turn < $1 THEN $1 ELSE turn END,
                pace = CASE WHEN claimed_at IS NULL THEN pace
                    WHEN pace IS NULL THEN ({now} - claimed_at) / $2
                    ELSE pace + (({now} - claimed_at) / $2 - pace) / {SMOOTHING} END,
                paced_at = CASE WHEN claimed_at IS NULL THEN paced_at ELSE {now} END,
                claimed_at = CASE WHEN EXISTS (SELECT 1 FROM tasks
                    WHERE status = 'pending' AND NOT resting) THEN {now} END
            WHERE id = 1"
        );
        let values = [turn.into(), claimed.max(1).into()];
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        db.execute_raw(statement).await.map_err(failed)?;
        Ok(())
    }
}

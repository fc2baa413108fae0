//! Generations as their owners ask for them; there is no question without an owner.

use std::collections::HashMap;

use async_trait::async_trait;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use types::{GenerationId, Page, PageRequest, Timestamp, UserId};
use uuid::Uuid;

use super::entity::{outputs, tasks};
use super::intake::Stored;
use super::lookup::Question;
use super::{Store, failed, gone, rows, unreadable};
use crate::domain::error::Error;
use crate::domain::events::{Event, Tail};
use crate::domain::generation::{Filter, Generation, Status};
use crate::domain::ports::{NewTask, Tasks};
use crate::domain::queue::Spot;
use crate::domain::quote::Prospect;

#[async_trait]
impl Tasks for Store {
    async fn create(&self, task: NewTask) -> Result<Generation, Error> {
        let [.., line] = task.patron.id.uuid().into_bytes();
        let stored = self.desks()?.intake.post(usize::from(line), task).await;
        let Stored { row, place } = stored.map_err(gone)??;
        // What was completed at once has files.
        if row.status == Status::Completed.as_str() {
            return self.find(UserId(row.owner), GenerationId(row.id)).await;
        }
        let generation = rows::generation(row, Vec::new())?;
        Ok(Generation {
            place,
            ..generation
        })
    }

    async fn find(&self, owner: UserId, id: GenerationId) -> Result<Generation, Error> {
        let (owner, id) = (owner.uuid(), id.uuid());
        let found = self.look_up(id, Question::Owned { owner, id }).await?;
        found.ok_or(Error::NotFound)
    }

    async fn list(
        &self,
        owner: UserId,
        filter: Filter,
        page: PageRequest,
    ) -> Result<Page<Generation>, Error> {
        let mut query = tasks::Entity::find().filter(tasks::Column::Owner.eq(owner.uuid()));
        if let Some(status) = filter.status {
            query = query.filter(tasks::Column::Status.eq(status.as_str()));
        }
        if let Some(session) = filter.session {
            query = query.filter(tasks::Column::SessionId.eq(session.uuid()));
        }
        if let Some(before) = page.before {
            query = query.filter(tasks::Column::Id.lt(before));
        }
        let query = query.order_by_desc(tasks::Column::Id).limit(page.size + 1);
        let found = query.all(self.db.read()).await.map_err(failed)?;
        let found = Page::from_rows(found, page, |row| row.id);
        let mut files = self.outputs_of(self.db.read(), &found.items).await?;
        let whole = found.items.into_iter().map(|row| {
            let own = files.remove(&row.id).unwrap_or_default();
            rows::generation(row, own)
        });
        Ok(Page {
            items: whole.collect::<Result<_, _>>()?,
            next_token: found.next_token,
        })
    }

    async fn cancel(
        &self,
        owner: UserId,
        id: GenerationId,
        stoppable: &[String],
        now: Timestamp,
    ) -> Result<(Generation, bool), Error> {
        self.cancel_task(owner, id, stoppable, now).await
    }

    async fn prospect(&self, owner: UserId, spot: &Spot) -> Result<Prospect, Error> {
        self.look_ahead(owner, spot).await
    }

    async fn tail(&self, owner: UserId, id: GenerationId) -> Result<Tail, Error> {
        let found: Option<(i64, String)> = tasks::Entity::find_owned(owner.uuid(), id.uuid())
            .select_only()
            .column(tasks::Column::LastSequence)
            .column(tasks::Column::Status)
            .into_tuple()
            .one(self.db.read())
            .await
            .map_err(failed)?;
        let (last_sequence, status) = found.ok_or(Error::NotFound)?;
        let status = Status::read(&status).ok_or_else(|| unreadable("status"))?;
        Ok(Tail {
            last_sequence,
            is_final: status.is_terminal(),
        })
    }

    async fn events(&self, id: GenerationId, after: i64, limit: u64) -> Result<Vec<Event>, Error> {
        self.read_events(id, after, limit).await
    }
}

impl Store {
    /// The task that is asked for. What is asked with one id is asked in its order.
    pub(super) async fn look_up(
        &self,
        id: Uuid,
        question: Question,
    ) -> Result<Option<Generation>, Error> {
        let [.., line] = id.into_bytes();
        let answer = self.desks()?.lookup.post(usize::from(line), question).await;
        answer.map_err(gone)?
    }

    // One query for all of them.
    pub(super) async fn outputs_of(
        &self,
        db: &impl ConnectionTrait,
        found: &[tasks::Model],
    ) -> Result<HashMap<Uuid, Vec<outputs::Model>>, Error> {
        let completed = (found.iter()).filter(|row| row.status == Status::Completed.as_str());
        let ids: Vec<Uuid> = completed.map(|row| row.id).collect();
        let mut files: HashMap<Uuid, Vec<outputs::Model>> = HashMap::new();
        if ids.is_empty() {
            return Ok(files);
        }
        let query = outputs::Entity::find()
            .filter(outputs::Column::TaskId.is_in(ids))
            .order_by_asc(outputs::Column::Place);
        for row in query.all(db).await.map_err(failed)? {
            files.entry(row.task_id).or_default().push(row);
        }
        Ok(files)
    }
}

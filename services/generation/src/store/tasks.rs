//! Generations as their owners ask for them; there is no question without an owner.

use std::collections::HashMap;

use async_trait::async_trait;
use database::DatabaseError;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Statement,
};
use types::{GenerationId, Page, PageRequest, Timestamp, UserId};
use uuid::Uuid;

use super::entity::{outputs, tasks};
use super::{Store, attempts, events, failed, rows, transitions, unreadable};
use crate::domain::error::Error;
use crate::domain::events::{Event, EventKind, Step, Tail};
use crate::domain::generation::{Filter, Generation, Status};
use crate::domain::ports::{DebtKind, NewTask, Tasks};

#[async_trait]
impl Tasks for Store {
    async fn create(&self, task: &NewTask) -> Result<Generation, Error> {
        let tx = self.db.begin().await.map_err(failed)?;
        let row = self.insert(&*tx, task).await?;
        events::append(&*tx, &row, EventKind::Queued, "").await?;
        self.owe(&*tx, &row, DebtKind::Confirm).await?;
        tx.commit().await.map_err(failed)?;
        rows::generation(row, Vec::new())
    }

    async fn find(&self, owner: UserId, id: GenerationId) -> Result<Generation, Error> {
        let found = tasks::Entity::find_owned(owner.uuid(), id.uuid())
            .one(self.db.read())
            .await
            .map_err(failed)?;
        self.whole(found.ok_or(Error::NotFound)?).await
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
        let mut files = self.outputs_of(&found.items).await?;
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
        now: Timestamp,
    ) -> Result<(Generation, bool), Error> {
        let step = Step::saying(EventKind::Cancelled, "");
        let living = [Status::Pending.as_str(), Status::Processing.as_str()];
        let change = transitions::without_worker(events::change(&step, now.micros()), Status::Cancelled)
                .col_expr(tasks::Column::CompletedAt, Expr::value(now.micros()))
                .filter(tasks::Column::Id.eq(id.uuid()))
                .filter(tasks::Column::Owner.eq(owner.uuid()))
                .filter(tasks::Column::Status.is_in(living))
                // A result that is being kept is the owner's, and counted.
                .filter(tasks::Column::Keeping.eq(false));
        let tx = self.db.begin().await.map_err(failed)?;
        let Some(row) = events::apply(&*tx, change, &step).await? else {
            tx.rollback().await.map_err(failed)?;
            let generation = self.find(owner, id).await?;
            return match generation.status {
                Status::Cancelled => Ok((generation, false)),
                status if status.is_terminal() => Err(Error::Ended(status)),
                _ => Err(Error::Keeping),
            };
        };
        attempts::cancel(&*tx, row.id, now.micros()).await?;
        self.owe(&*tx, &row, DebtKind::Release).await?;
        tx.commit().await.map_err(failed)?;
        Ok((rows::generation(row, Vec::new())?, true))
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
    // By hand, for its `run_at` is the database's own now.
    async fn insert(
        &self,
        db: &impl ConnectionTrait,
        task: &NewTask,
    ) -> Result<tasks::Model, Error> {
        let now = self.now_sql();
        let sql = format!(
            "INSERT INTO tasks (id, owner, tier, kind, status, request, session_id,
                reservation_id, provider, model, ignored, run_at, last_sequence, created_at,
                updated_at)
            VALUES ($1, $2, $3, $4, 'pending', $5, $6, $7, $8, $9, $10, {now}, 1, $11, $11)
            RETURNING *"
        );
        let request = serde_json::to_string(&task.request).map_err(|_| unreadable("order"))?;
        let ignored = serde_json::to_string(&task.ignored).map_err(|_| unreadable("list"))?;
        let values = [
            task.id.uuid().into(),
            task.patron.id.uuid().into(),
            task.patron.tier.clone().into(),
            task.kind.as_str().into(),
            request.into(),
            task.session.map(|session| session.uuid()).into(),
            task.reservation.uuid().into(),
            task.provider.clone().into(),
            task.model.clone().into(),
            ignored.into(),
            task.created_at.micros().into(),
        ];
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        let inserted = tasks::Entity::find().from_raw_sql(statement).one(db).await;
        match inserted.map_err(DatabaseError::from) {
            Ok(row) => row.ok_or_else(|| unreadable("task")),
            // The one unique column besides the id, which nobody chose.
            Err(DatabaseError::Duplicate(constraint)) if constraint.contains("reservation") => {
                Err(Error::ReservationUsed)
            }
            Err(error) => Err(failed(error)),
        }
    }

    async fn whole(&self, row: tasks::Model) -> Result<Generation, Error> {
        let mut files = self.outputs_of(std::slice::from_ref(&row)).await?;
        let own = files.remove(&row.id).unwrap_or_default();
        rows::generation(row, own)
    }

    // One query for all of them.
    async fn outputs_of(
        &self,
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
        for row in query.all(self.db.read()).await.map_err(failed)? {
            files.entry(row.task_id).or_default().push(row);
        }
        Ok(files)
    }
}

//! Batches: stored with all their tasks, and told when the last of those has ended.

use async_trait::async_trait;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter,
    QuerySelect, Set,
};
use types::{GenerationId, Microusd, Timestamp, UserId};
use uuid::Uuid;

use super::entity::{batches, tasks};
use super::webhooks::News;
use super::{Store, failed, rows, unreadable, written};
use crate::domain::batch::{Batch, Batches, Ended, Item, NewBatch, Outcome, Refused};
use crate::domain::error::Error;
use crate::domain::generation::{Generation, Status};
use crate::domain::ports::NewTask;
use crate::domain::webhook::{EventType, event};

#[async_trait]
impl Batches for Store {
    async fn create_batch(&self, batch: &NewBatch) -> Result<Batch, Error> {
        let wishes: Vec<&NewTask> = (batch.items.iter())
            .filter_map(|item| item.as_ref().ok())
            .collect();
        let tx = self.begin_intake(&wishes).await.map_err(failed)?;
        if let Some(key) = &batch.key {
            self.keep_key(&*tx, batch.owner.uuid(), key).await?;
        }
        let mut stored = self.insert_tasks(&*tx, &wishes).await?.into_iter();
        let mut outcomes = Vec::with_capacity(batch.items.len());
        for (place, item) in batch.items.iter().enumerate() {
            let stored = match item {
                Ok(_) => stored.next().ok_or_else(|| unreadable("batch"))?,
                Err(refused) => {
                    outcomes.push(Outcome::Refused(refused.clone()));
                    continue;
                }
            };
            outcomes.push(match stored {
                Ok(row) => Outcome::Generation(Box::new(rows::generation(row, Vec::new())?)),
                Err(error) if batch.all_or_nothing => {
                    return Err(Error::InBatch(place, Box::new(error)));
                }
                // It wrote nothing.
                Err(error @ (Error::ReservationExpired | Error::QueueFull(_))) => {
                    Outcome::Refused(error.into())
                }
                Err(error) => return Err(error),
            });
        }
        let row = insert(&*tx, batch, &outcomes).await?;
        if row.ended_at.is_some() {
            self.announce_batch(&*tx, &row).await?;
        }
        tx.commit().await.map_err(failed)?;
        // Those that ended at once have files.
        match outcomes.iter().any(has_ended) {
            true => self.find_batch(batch.owner, batch.id).await,
            false => Ok(whole(&row, outcomes)),
        }
    }

    async fn find_batch(&self, owner: UserId, id: Uuid) -> Result<Batch, Error> {
        let row = batches::Entity::find_owned(owner.uuid(), id)
            .one(self.db.read())
            .await
            .map_err(failed)?;
        let row = row.ok_or(Error::NotFound)?;
        let found = tasks::Entity::find()
            .filter(tasks::Column::BatchId.eq(id))
            .all(self.db.read())
            .await
            .map_err(failed)?;
        let mut generations = self.generations(found).await?;
        let outcomes = items(&row)?.into_iter().map(|item| match item {
            Item::Refused(refused) => Ok(Outcome::Refused(refused)),
            Item::Task(id) => generations
                .remove(&id)
                .map(|one| Outcome::Generation(Box::new(one)))
                .ok_or_else(|| unreadable("batch")),
        });
        let outcomes = outcomes.collect::<Result<_, _>>()?;
        Ok(whole(&row, outcomes))
    }
}

impl Store {
    /// A task of a batch has ended; with the last one the batch has.
    pub(super) async fn count_in_batch(
        &self,
        db: &impl ConnectionTrait,
        task: &tasks::Model,
    ) -> Result<(), Error> {
        let Some(batch) = task.batch_id else {
            return Ok(());
        };
        let running = || Expr::col(batches::Column::Running);
        let ended_at =
            Expr::case(running().eq(1), task.updated_at).finally(Expr::value(None::<i64>));
        let changed = batches::Entity::update_many()
            .col_expr(batches::Column::Running, running().sub(1))
            .col_expr(batches::Column::EndedAt, ended_at.into())
            .filter(batches::Column::Id.eq(batch))
            .exec_with_returning(db)
            .await
            .map_err(failed)?;
        match changed.into_iter().find(|row| row.ended_at.is_some()) {
            Some(ended) => self.announce_batch(db, &ended).await,
            None => Ok(()),
        }
    }

    async fn announce_batch(
        &self,
        db: &impl ConnectionTrait,
        row: &batches::Model,
    ) -> Result<(), Error> {
        let kind = EventType::BatchCompleted;
        let listening = self.listening(db, row.owner, kind).await?;
        if listening.is_empty() {
            return Ok(());
        }
        let ended = ended(db, row).await?;
        let news = News {
            kind,
            id: event::batch_id(row.id),
            task: None,
            body: event::batch_body(&ended),
            at: ended.ended_at,
        };
        self.write_deliveries(db, listening, &news).await
    }

    async fn generations(
        &self,
        found: Vec<tasks::Model>,
    ) -> Result<std::collections::HashMap<GenerationId, Generation>, Error> {
        let mut files = self.outputs_of(self.db.read(), &found).await?;
        let whole = found.into_iter().map(|row| {
            let own = files.remove(&row.id).unwrap_or_default();
            Ok((GenerationId(row.id), rows::generation(row, own)?))
        });
        whole.collect()
    }
}

// The batch's row; its tasks' rows learn of it.
async fn insert(
    db: &impl ConnectionTrait,
    batch: &NewBatch,
    outcomes: &[Outcome],
) -> Result<batches::Model, Error> {
    let items = outcomes.iter().map(|outcome| match outcome {
        Outcome::Generation(generation) => Item::Task(generation.id),
        Outcome::Refused(refused) => Item::Refused(refused.clone()),
    });
    let items: Vec<Item> = items.collect();
    let accepted = items.iter().filter_map(|item| match item {
        Item::Task(id) => Some(id.uuid()),
        Item::Refused(_) => None,
    });
    let accepted: Vec<Uuid> = accepted.collect();
    let running = outcomes.iter().filter(|outcome| match outcome {
        Outcome::Generation(_) => !has_ended(outcome),
        Outcome::Refused(_) => false,
    });
    let running = running.count();
    let created_at = batch.created_at.micros();
    let row = batches::ActiveModel {
        id: Set(batch.id),
        owner: Set(batch.owner.uuid()),
        items: Set(written(&items)?),
        running: Set(i64::try_from(running).unwrap_or(i64::MAX)),
        created_at: Set(created_at),
        ended_at: Set((running == 0).then_some(created_at)),
    };
    tasks::Entity::update_many()
        .col_expr(tasks::Column::BatchId, Expr::value(batch.id))
        .filter(tasks::Column::Id.is_in(accepted))
        .exec(db)
        .await
        .map_err(failed)?;
    row.insert(db).await.map_err(failed)
}

// With a result from before.
fn has_ended(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Generation(one) if one.status.is_terminal())
}

fn whole(row: &batches::Model, outcomes: Vec<Outcome>) -> Batch {
    Batch {
        id: row.id,
        outcomes,
        created_at: Timestamp(row.created_at),
        ended_at: row.ended_at.map(Timestamp),
    }
}

fn items(row: &batches::Model) -> Result<Vec<Item>, Error> {
    serde_json::from_str(&row.items).map_err(|_| unreadable("batch"))
}

async fn ended(db: &impl ConnectionTrait, row: &batches::Model) -> Result<Ended, Error> {
    let ends: Vec<(String, i64)> = tasks::Entity::find()
        .select_only()
        .column(tasks::Column::Status)
        .column(tasks::Column::CostMicrousd)
        .filter(tasks::Column::BatchId.eq(row.id))
        .into_tuple()
        .all(db)
        .await
        .map_err(failed)?;
    let count = |status: Status| ends.iter().filter(|end| end.0 == status.as_str()).count();
    let count = |status| i64::try_from(count(status)).unwrap_or(i64::MAX);
    let refused = |item: &Item| matches!(item, Item::Refused(Refused { .. }));
    Ok(Ended {
        id: row.id,
        refused: items(row)?.iter().filter(|item| refused(item)).count(),
        completed: count(Status::Completed),
        failed: count(Status::Failed),
        cancelled: count(Status::Cancelled),
        cost: Microusd(
            ends.iter()
                .fold(0, |sum: i64, end| sum.saturating_add(end.1)),
        ),
        created_at: Timestamp(row.created_at),
        ended_at: Timestamp(row.ended_at.unwrap_or(row.created_at)),
    })
}

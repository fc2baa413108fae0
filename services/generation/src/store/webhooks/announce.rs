//! Tells an owner's webhooks how a generation or a batch ended: in the transaction that ends it, or not at
//! all.

use database::Backend;
use database::row_set::{Column, Kind, Rows, backend_of};
use sea_orm::{ConnectionTrait, EntityTrait, FromQueryResult};
use types::{GenerationId, Timestamp};
use uuid::Uuid;

use super::super::entity::{deliveries, tasks, webhooks};
use super::super::{Store, failed, rows as task_rows};
use super::rows;
use crate::domain::error::Error;
use crate::domain::generation::{Output, Status};
use crate::domain::webhook::{Delivery, EventType, State, event};

/// Something to tell.
pub(in crate::store) struct News {
    pub(in crate::store) kind: EventType,
    /// What every receiver knows it by.
    pub(in crate::store) id: String,
    pub(in crate::store) task: Option<GenerationId>,
    pub(in crate::store) body: String,
    /// When it happened.
    pub(in crate::store) at: Timestamp,
}

// A webhook that is told something.
#[derive(FromQueryResult)]
struct Listener {
    id: Uuid,
    owner: Uuid,
    event_types: String,
}

impl Listener {
    fn is_for(&self, kind: EventType) -> bool {
        let mut words = self.event_types.split(' ');
        words.any(|word| word == kind.as_str())
    }
}

// None goes before this is committed, or its rows would refer to nothing.
async fn listeners(
    db: &impl ConnectionTrait,
    owners: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<Listener>, Error> {
    const OWNERS: [Column; 1] = [("owner", Kind::Id)];
    let for_key_share = match backend_of(db) {
        Backend::Postgres => "FOR KEY SHARE",
        // There is one writer.
        Backend::Sqlite => "",
    };
    let owners = Rows::new(&OWNERS, owners.into_iter().map(|owner| [owner.into()]));
    let sql = format!(
        "SELECT id, owner, event_types FROM webhooks
        WHERE owner IN (SELECT owner FROM {{given}}) AND enabled {for_key_share}"
    );
    let statement = owners.statement(db, &sql).map_err(failed)?;
    let found = Listener::find_by_statement(statement).all(db).await;
    found.map_err(failed)
}

impl Store {
    /// Writes a delivery for each webhook of the task's owner that is for such an end; `row` is the
    /// task as it has just ended. Its batch, if it came in one, may end with it.
    pub(in crate::store) async fn announce(
        &self,
        db: &impl ConnectionTrait,
        row: &tasks::Model,
        outputs: &[Output],
    ) -> Result<(), Error> {
        self.announce_all(db, &[(row, outputs)]).await
    }

    /// The same for many tasks.
    pub(in crate::store) async fn announce_all(
        &self,
        db: &impl ConnectionTrait,
        ended: &[(&tasks::Model, &[Output])],
    ) -> Result<(), Error> {
        if ended.is_empty() {
            return Ok(());
        }
        let owners = ended.iter().map(|(row, _)| row.owner);
        // Most owners have none.
        let listeners = listeners(db, owners).await?;
        for (row, outputs) in ended {
            let own = listeners.iter().filter(|one| one.owner == row.owner);
            self.announce_task(db, own, row, outputs).await?;
            self.count_in_batch(db, row).await?;
        }
        Ok(())
    }

    async fn announce_task(
        &self,
        db: &impl ConnectionTrait,
        listeners: impl Iterator<Item = &Listener>,
        row: &tasks::Model,
        outputs: &[Output],
    ) -> Result<(), Error> {
        let Some(kind) = Status::read(&row.status).and_then(EventType::of) else {
            return Ok(());
        };
        let listening: Vec<Uuid> = (listeners.filter(|one| one.is_for(kind)))
            .map(|one| one.id)
            .collect();
        if listening.is_empty() {
            return Ok(());
        }
        let mut generation = task_rows::generation(row.clone(), Vec::new())?;
        generation.outputs = outputs.to_vec();
        let news = News {
            kind,
            id: event::id_of(generation.id, row.last_sequence),
            task: Some(generation.id),
            body: event::body(kind, &generation, row.last_sequence),
            at: generation.updated_at,
        };
        self.write_deliveries(db, listening, &news).await
    }

    /// Tells the owner's other webhooks that this one was just disabled.
    pub(super) async fn announce_disabled(
        &self,
        db: &impl ConnectionTrait,
        row: &webhooks::Model,
        reason: &str,
        at: Timestamp,
    ) -> Result<(), Error> {
        let kind = EventType::WebhookDisabled;
        let listening = self.listening(db, row.owner, kind).await?;
        if listening.is_empty() {
            return Ok(());
        }
        let news = News {
            kind,
            id: event::disabled_id(row.id, at),
            task: None,
            body: event::disabled_body(row.id, &row.url, reason, at),
            at,
        };
        self.write_deliveries(db, listening, &news).await
    }

    /// The webhooks of an owner that are for such an event.
    pub(in crate::store) async fn listening(
        &self,
        db: &impl ConnectionTrait,
        owner: Uuid,
        kind: EventType,
    ) -> Result<Vec<Uuid>, Error> {
        let found = listeners(db, [owner]).await?.into_iter();
        let wanted = found.filter(|one| one.is_for(kind));
        Ok(wanted.map(|one| one.id).collect())
    }

    /// Writes the news down for each of these webhooks.
    pub(in crate::store) async fn write_deliveries(
        &self,
        db: &impl ConnectionTrait,
        webhooks: Vec<Uuid>,
        news: &News,
    ) -> Result<(), Error> {
        let told = webhooks.into_iter().map(|webhook| {
            rows::of_delivery(&Delivery {
                id: Uuid::now_v7(),
                webhook,
                event_id: news.id.clone(),
                event_type: news.kind,
                task: news.task,
                body: news.body.clone(),
                state: State::Pending,
                tries: 0,
                due_at: news.at,
                last_status: None,
                last_error: None,
                created_at: news.at,
                ended_at: None,
            })
        });
        let inserted = deliveries::Entity::insert_many(told);
        inserted.exec_without_returning(db).await.map_err(failed)?;
        Ok(())
    }
}

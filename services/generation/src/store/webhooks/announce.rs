//! Tells an owner's webhooks how a generation ended: in the transaction that ends it, or not at all.

use sea_orm::sea_query::LockType;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::super::entity::{deliveries, tasks, webhooks};
use super::super::{Store, failed, rows as task_rows};
use super::rows;
use crate::domain::error::Error;
use crate::domain::generation::Output;
use crate::domain::webhook::{Delivery, EventType, State, event};

impl Store {
    /// Writes a delivery for each webhook of the task's owner that is for such an end; `row` is the
    /// task as it has just ended.
    pub(in crate::store) async fn announce(
        &self,
        db: &impl ConnectionTrait,
        row: &tasks::Model,
        outputs: &[Output],
    ) -> Result<(), Error> {
        let listening: Vec<(Uuid, String)> = webhooks::Entity::find()
            .select_only()
            .column(webhooks::Column::Id)
            .column(webhooks::Column::EventTypes)
            .filter(webhooks::Column::Owner.eq(row.owner))
            .filter(webhooks::Column::Enabled.eq(true))
            // None goes before this is committed, or its rows would refer to nothing.
            .lock(LockType::KeyShare)
            .into_tuple()
            .all(db)
            .await
            .map_err(failed)?;
        // Most owners have none.
        if listening.is_empty() {
            return Ok(());
        }
        let mut generation = task_rows::generation(row.clone(), Vec::new())?;
        generation.outputs = outputs.to_vec();
        let Some(kind) = EventType::of(generation.status) else {
            return Ok(());
        };
        let delivery = Delivery {
            id: Uuid::nil(),
            webhook: Uuid::nil(),
            event_id: event::id_of(generation.id, row.last_sequence),
            event_type: kind,
            task: Some(generation.id),
            body: event::body(kind, &generation, row.last_sequence),
            state: State::Pending,
            tries: 0,
            due_at: generation.updated_at,
            last_status: None,
            last_error: None,
            created_at: generation.updated_at,
            ended_at: None,
        };
        let wanted = |types: &str| types.split(' ').any(|word| word == kind.as_str());
        let told = (listening.into_iter())
            .filter(|(_, types)| wanted(types))
            .map(|(webhook, _)| {
                let id = Uuid::now_v7();
                let own = delivery.clone();
                rows::of_delivery(&Delivery { id, webhook, ..own })
            });
        let told: Vec<deliveries::ActiveModel> = told.collect();
        if !told.is_empty() {
            let inserted = deliveries::Entity::insert_many(told);
            inserted.exec_without_returning(db).await.map_err(failed)?;
        }
        Ok(())
    }
}

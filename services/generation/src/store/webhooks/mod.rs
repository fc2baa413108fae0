//! Webhooks as their owners ask for them.

mod announce;
mod mail;
mod rows;

use async_trait::async_trait;
use database::Backend;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Statement, Value,
};
use types::{Page, PageRequest, Timestamp, UserId};
use uuid::Uuid;

use super::entity::{deliveries, webhooks};
use super::{Store, failed};
use crate::domain::error::Error as Base;
use crate::domain::webhook::error::Error;
use crate::domain::webhook::ports::{Change, Webhooks};
use crate::domain::webhook::{Delivery, MOST, Seed, State, Webhook};

pub(super) use announce::News;

#[async_trait]
impl Webhooks for Store {
    async fn create(&self, webhook: &Webhook) -> Result<(), Error> {
        let tx = self.db.begin().await.map_err(failed)?;
        self.lock_owner(&*tx, webhook.owner).await?;
        let count = webhooks::Entity::find()
            .filter(webhooks::Column::Owner.eq(webhook.owner.uuid()))
            .count(&*tx)
            .await
            .map_err(failed)?;
        if count >= MOST {
            tx.rollback().await.map_err(failed)?;
            return Err(Error::TooMany);
        }
        let inserted = webhooks::Entity::insert(rows::of_webhook(webhook));
        let inserted = inserted.exec_without_returning(&*tx).await;
        inserted.map_err(failed)?;
        Ok(tx.commit().await.map_err(failed)?)
    }

    async fn find(&self, owner: UserId, id: Uuid) -> Result<Webhook, Error> {
        let found = webhooks::Entity::find_owned(owner.uuid(), id);
        let found = found.one(self.db.read()).await.map_err(failed)?;
        Ok(rows::webhook(found.ok_or(Error::NotFound("webhook"))?)?)
    }

    async fn list(&self, owner: UserId) -> Result<Vec<Webhook>, Error> {
        let found = webhooks::Entity::find()
            .filter(webhooks::Column::Owner.eq(owner.uuid()))
            .order_by_asc(webhooks::Column::Id)
            .limit(MOST)
            .all(self.db.read())
            .await
            .map_err(failed)?;
        let found = found.into_iter().map(rows::webhook);
        Ok(found.collect::<Result<_, Base>>()?)
    }

    async fn change(
        &self,
        owner: UserId,
        id: Uuid,
        change: &Change,
        now: Timestamp,
    ) -> Result<Webhook, Error> {
        let mut update = webhooks::Entity::update_many()
            .col_expr(webhooks::Column::UpdatedAt, Expr::value(now.micros()))
            .filter(webhooks::Column::Id.eq(id))
            .filter(webhooks::Column::Owner.eq(owner.uuid()));
        match change {
            Change::Settings {
                url,
                event_types,
                is_enabled,
            } => {
                if let Some(url) = url {
                    update = update.col_expr(webhooks::Column::Url, Expr::value(url.as_str()));
                }
                if let Some(types) = event_types {
                    let types = Expr::value(rows::words(types));
                    update = update.col_expr(webhooks::Column::EventTypes, types);
                }
                if let Some(is_enabled) = is_enabled {
                    update = update.col_expr(webhooks::Column::Enabled, Expr::value(*is_enabled));
                }
                if *is_enabled == Some(true) {
                    update = (update)
                        .col_expr(webhooks::Column::Failures, Expr::value(0_i64))
                        .col_expr(webhooks::Column::FailingSince, Expr::value(None::<i64>))
                        .col_expr(
                            webhooks::Column::DisabledReason,
                            Expr::value(None::<String>),
                        );
                }
            }
            Change::Secret(Seed(seed), until) => {
                let before = Expr::col(webhooks::Column::Seed);
                update = (update)
                    .col_expr(webhooks::Column::PreviousSeed, before)
                    .col_expr(webhooks::Column::PreviousUntil, Expr::value(until.micros()))
                    .col_expr(webhooks::Column::Seed, Expr::value(seed.clone()));
            }
        }
        let changed = update.exec_with_returning(self.db.write()).await;
        let changed = changed.map_err(failed)?.into_iter().next();
        Ok(rows::webhook(changed.ok_or(Error::NotFound("webhook"))?)?)
    }

    async fn delete(&self, owner: UserId, id: Uuid) -> Result<(), Error> {
        let deleted = webhooks::Entity::delete_many()
            .filter(webhooks::Column::Id.eq(id))
            .filter(webhooks::Column::Owner.eq(owner.uuid()))
            .exec(self.db.write())
            .await
            .map_err(failed)?;
        match deleted.rows_affected {
            0 => Err(Error::NotFound("webhook")),
            _ => Ok(()),
        }
    }

    async fn post(&self, delivery: &Delivery) -> Result<(), Error> {
        let inserted = deliveries::Entity::insert(rows::of_delivery(delivery));
        let inserted = inserted.exec_without_returning(self.db.write()).await;
        inserted.map_err(failed)?;
        Ok(())
    }

    async fn log(&self, webhook: Uuid, page: PageRequest) -> Result<Page<Delivery>, Error> {
        let mut query =
            deliveries::Entity::find().filter(deliveries::Column::WebhookId.eq(webhook));
        if let Some(before) = page.before {
            query = query.filter(deliveries::Column::Id.lt(before));
        }
        let query = query.order_by_desc(deliveries::Column::Id);
        let query = query.limit(page.size + 1);
        let found = query.all(self.db.read()).await.map_err(failed)?;
        let found = Page::from_rows(found, page, |row| row.id);
        let items = found.items.into_iter().map(rows::delivery);
        Ok(Page {
            items: items.collect::<Result<_, Base>>()?,
            next_token: found.next_token,
        })
    }

    async fn begin_again(&self, webhook: Uuid, id: Uuid) -> Result<Delivery, Error> {
        let pending = Expr::value(State::Pending.as_str());
        let now = Expr::cust(self.now_sql());
        let again = deliveries::Entity::update_many()
            .col_expr(deliveries::Column::State, pending)
            .col_expr(deliveries::Column::Tries, Expr::value(0_i64))
            .col_expr(deliveries::Column::DueAt, now)
            .col_expr(deliveries::Column::EndedAt, Expr::value(None::<i64>))
            .filter(deliveries::Column::Id.eq(id))
            .filter(deliveries::Column::WebhookId.eq(webhook))
            .exec_with_returning(self.db.write())
            .await
            .map_err(failed)?;
        let row = again.into_iter().next();
        Ok(rows::delivery(row.ok_or(Error::NotFound("delivery"))?)?)
    }
}

impl Store {
    // Whoever counts an owner's webhooks counts alone. SQLite has one writer.
    async fn lock_owner(&self, db: &impl ConnectionTrait, owner: UserId) -> Result<(), Base> {
        if self.db.backend() != Backend::Postgres {
            return Ok(());
        }
        let (high, low) = owner.uuid().as_u64_pair();
        let key = Value::from((high ^ low).cast_signed());
        let sql = "SELECT pg_advisory_xact_lock($1)";
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [key]);
        db.execute_raw(statement).await.map_err(failed)?;
        Ok(())
    }
}

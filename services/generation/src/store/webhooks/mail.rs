//! Deliveries as the postman asks for them: a webhook is held by one at a time.

use std::time::Duration;

use async_trait::async_trait;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Statement, Value,
};
use types::Timestamp;

use super::super::entity::{deliveries, webhooks};
use super::super::outbox::micros;
use super::super::{Store, failed};
use super::rows;
use crate::domain::error::Error;
use crate::domain::webhook::ports::{Lane, Mail, Round};
use crate::domain::webhook::verdict::{Outcome, Standing};
use crate::domain::webhook::{Delivery, State, Webhook};

#[async_trait]
impl Mail for Store {
    async fn take(&self, lane: Lane, limit: u64, lease: Duration) -> Result<Vec<Round>, Error> {
        let (now, skip_locked) = (self.now_sql(), self.skip_locked());
        let lane = match lane {
            Lane::Sound => "failures = 0",
            Lane::Failing => "failures > 0",
        };
        // Whether there is any at all would be looked for among all that were ever sent.
        let due = format!(
            "SELECT id FROM webhooks AS hook
            WHERE enabled AND {lane} AND free_at <= {now} AND (
                SELECT MIN(due_at) FROM deliveries
                WHERE webhook_id = hook.id AND state = 'pending') <= {now}"
        );
        // Looked up without a lock: a postman with nothing to do leaves the writer to others.
        let backend = self.db.write().get_database_backend();
        let look = Statement::from_string(backend, format!("{due} LIMIT 1"));
        let found = self.db.read().query_one_raw(look).await.map_err(failed)?;
        if found.is_none() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "WITH due AS MATERIALIZED ({due} ORDER BY free_at, id LIMIT $1 {skip_locked})
            UPDATE webhooks SET free_at = {now} + $2, fence = fence + 1
            WHERE id IN (SELECT id FROM due) RETURNING *"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let values: [Value; 2] = [limit.into(), micros(lease).into()];
        let statement = Statement::from_sql_and_values(backend, sql, values);
        let taken = webhooks::Entity::find().from_raw_sql(statement);
        let taken = taken.all(self.db.write()).await.map_err(failed)?;
        let rounds = taken.into_iter().map(|row| Round {
            webhook: row.id,
            fence: row.fence,
        });
        Ok(rounds.collect())
    }

    async fn next(&self, round: &Round) -> Result<Option<(Webhook, Delivery)>, Error> {
        let held = webhooks::Entity::find_by_id(round.webhook)
            .filter(webhooks::Column::Fence.eq(round.fence))
            .filter(webhooks::Column::Enabled.eq(true))
            .one(self.db.write())
            .await
            .map_err(failed)?;
        let Some(webhook) = held else {
            return Ok(None);
        };
        // In the words of the index: however many wait, it is the first of them.
        let due = format!("state = 'pending' AND due_at <= {}", self.now_sql());
        let found = deliveries::Entity::find()
            .filter(deliveries::Column::WebhookId.eq(webhook.id))
            .filter(Expr::cust(due))
            .order_by_asc(deliveries::Column::Id)
            .one(self.db.write())
            .await
            .map_err(failed)?;
        let Some(delivery) = found else {
            return Ok(None);
        };
        Ok(Some((rows::webhook(webhook)?, rows::delivery(delivery)?)))
    }

    async fn record(
        &self,
        delivery: &Delivery,
        outcome: &Outcome,
        standing: &Standing,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (state, again, why, status) = match outcome {
            Outcome::Taken => (State::Delivered, None, None, None),
            Outcome::Failed {
                why, status, again, ..
            } => {
                let state = if again.is_some() {
                    State::Pending
                } else {
                    State::Failed
                };
                (state, *again, Some(why.clone()), status.map(i64::from))
            }
        };
        let ended_at = (state != State::Pending).then_some(now.micros());
        let due_at = format!("{} + {}", self.now_sql(), micros(again.unwrap_or_default()));
        let tx = self.db.begin().await.map_err(failed)?;
        // The webhook first, as whoever deletes it does.
        let since = standing.failing_since.map(Timestamp::micros);
        let mut update = webhooks::Entity::update_many()
            .col_expr(
                webhooks::Column::Failures,
                Expr::value(i64::from(standing.failures)),
            )
            .col_expr(webhooks::Column::FailingSince, Expr::value(since))
            .filter(webhooks::Column::Id.eq(delivery.webhook));
        if let Some(reason) = standing.disabled {
            update = update
                .col_expr(webhooks::Column::Enabled, Expr::value(false))
                .col_expr(webhooks::Column::DisabledReason, Expr::value(reason))
                .filter(webhooks::Column::Enabled.eq(true));
        }
        let updated = update.exec_with_returning(&*tx).await.map_err(failed)?;
        if let (Some(reason), Some(row)) = (standing.disabled, updated.first()) {
            self.announce_disabled(&*tx, row, reason, now).await?;
        }
        deliveries::Entity::update_many()
            .col_expr(deliveries::Column::State, Expr::value(state.as_str()))
            .col_expr(
                deliveries::Column::Tries,
                Expr::value(i64::from(delivery.tries)),
            )
            .col_expr(deliveries::Column::DueAt, Expr::cust(due_at))
            .col_expr(deliveries::Column::LastStatus, Expr::value(status))
            .col_expr(deliveries::Column::LastError, Expr::value(why))
            .col_expr(deliveries::Column::EndedAt, Expr::value(ended_at))
            .filter(deliveries::Column::Id.eq(delivery.id))
            .filter(deliveries::Column::State.eq(State::Pending.as_str()))
            .exec(&*tx)
            .await
            .map_err(failed)?;
        tx.commit().await.map_err(failed)
    }

    async fn leave(&self, round: &Round, rest: Duration) -> Result<(), Error> {
        let free_at = format!("{} + {}", self.now_sql(), micros(rest));
        webhooks::Entity::update_many()
            .col_expr(webhooks::Column::FreeAt, Expr::cust(free_at))
            .filter(webhooks::Column::Id.eq(round.webhook))
            .filter(webhooks::Column::Fence.eq(round.fence))
            .exec(self.db.write())
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn tidy(&self, now: Timestamp, stale: Duration, kept: Duration) -> Result<(), Error> {
        let before = |span: Duration| now.micros().saturating_sub(micros(span));
        let why = Expr::value("was not taken in time");
        deliveries::Entity::update_many()
            .col_expr(
                deliveries::Column::State,
                Expr::value(State::Failed.as_str()),
            )
            .col_expr(deliveries::Column::LastError, why)
            .col_expr(deliveries::Column::EndedAt, Expr::value(now.micros()))
            .filter(deliveries::Column::DueAt.lt(before(stale)))
            .filter(deliveries::Column::State.eq(State::Pending.as_str()))
            .exec(self.db.write())
            .await
            .map_err(failed)?;
        deliveries::Entity::delete_many()
            .filter(deliveries::Column::CreatedAt.lt(before(kept)))
            .filter(deliveries::Column::EndedAt.lt(before(kept)))
            .exec(self.db.write())
            .await
            .map_err(failed)?;
        Ok(())
    }
}

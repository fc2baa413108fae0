//! What was refused, and what an admin allowed after all.

use std::time::Duration;

use async_trait::async_trait;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set,
};
use types::{GenerationId, Page, PageRequest, Timestamp, UserId};
use uuid::Uuid;

use super::entity::moderation_decisions::{ActiveModel, Column, Entity, Model};
use super::outbox::micros;
use super::{Store, failed};
use crate::domain::error::Error;
use crate::domain::safety::{Appeal, Decision, Decisions, FINAL};

#[async_trait]
impl Decisions for Store {
    async fn is_allowed(&self, owner: UserId, digest: &[u8]) -> Result<bool, Error> {
        let found = Entity::find()
            .filter(Column::Owner.eq(owner.uuid()))
            .filter(Column::Digest.eq(digest.to_vec()))
            .filter(Column::AllowedAt.is_not_null());
        let found = found.count(self.db.write()).await.map_err(failed)?;
        Ok(found > 0)
    }

    async fn record(&self, decision: &Decision) -> Result<(), Error> {
        let row = ActiveModel {
            id: Set(decision.id),
            owner: Set(decision.owner.uuid()),
            digest: Set(decision.digest.clone()),
            prompt: Set(decision.prompt.clone()),
            rule: Set(decision.rule.clone()),
            created_at: Set(decision.created_at.micros()),
            allowed_by: Set(None),
            allowed_at: Set(None),
            note: Set(None),
            task_id: Set(decision.result_of.map(GenerationId::uuid)),
        };
        let again = OnConflict::columns([Column::Owner, Column::Digest])
            .update_columns([Column::Rule, Column::CreatedAt, Column::TaskId])
            .to_owned();
        let inserted = Entity::insert(row).on_conflict(again);
        let inserted = inserted.exec_without_returning(self.db.write()).await;
        inserted.map_err(failed)?;
        Ok(())
    }

    async fn decisions(&self, page: PageRequest) -> Result<Page<Decision>, Error> {
        let mut query = Entity::find();
        if let Some(before) = page.before {
            query = query.filter(Column::Id.lt(before));
        }
        let query = query.order_by_desc(Column::Id).limit(page.size + 1);
        let found = query.all(self.db.read()).await.map_err(failed)?;
        let found = Page::from_rows(found, page, |row| row.id);
        Ok(Page {
            items: found.items.into_iter().map(decision).collect(),
            next_token: found.next_token,
        })
    }

    async fn allow(&self, id: Uuid, appeal: &Appeal) -> Result<Decision, Error> {
        let changed = Entity::update_many()
            .col_expr(Column::AllowedBy, Expr::value(appeal.actor.clone()))
            .col_expr(Column::AllowedAt, Expr::value(appeal.at.micros()))
            .col_expr(Column::Note, Expr::value(appeal.note.clone()))
            .filter(Column::Id.eq(id))
            // The first who allowed it stays on record.
            .filter(Column::AllowedAt.is_null())
            .filter(Column::Rule.not_like(format!("%{FINAL}")))
            .exec_with_returning(self.db.write())
            .await
            .map_err(failed)?;
        if let Some(row) = changed.into_iter().next() {
            return Ok(decision(row));
        }
        let found = Entity::find_by_id(id).one(self.db.write()).await;
        found.map_err(failed)?.map(decision).ok_or(Error::NotFound)
    }

    async fn sweep_decisions(&self, age: Duration, limit: u64) -> Result<u64, Error> {
        let oldest = Expr::cust(format!("{} - {}", self.now_sql(), micros(age)));
        let old: Vec<Uuid> = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::AllowedAt.is_null())
            .filter(Expr::col(Column::CreatedAt).lt(oldest))
            .limit(limit)
            .into_tuple()
            .all(self.db.write())
            .await
            .map_err(failed)?;
        if old.is_empty() {
            return Ok(0);
        }
        let swept = Entity::delete_many()
            .filter(Column::Id.is_in(old))
            .filter(Column::AllowedAt.is_null());
        let swept = swept.exec(self.db.write()).await.map_err(failed)?;
        Ok(swept.rows_affected)
    }
}

fn decision(row: Model) -> Decision {
    let appeal = row.allowed_at.map(|at| Appeal {
        actor: row.allowed_by.unwrap_or_default(),
        note: row.note.unwrap_or_default(),
        at: Timestamp(at),
    });
    Decision {
        id: row.id,
        owner: UserId(row.owner),
        digest: row.digest,
        prompt: row.prompt,
        rule: row.rule,
        created_at: Timestamp(row.created_at),
        result_of: row.task_id.map(GenerationId),
        appeal,
    }
}

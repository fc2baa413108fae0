//! Anybody's account, and the record of what operators did to it.

use async_trait::async_trait;
use database::Transaction;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use types::{PageRequest, Timestamp, UserId};

use super::entity::{audit, user};
use super::{Store, users};
use crate::domain::{AuditEvent, Change, ChangeRule, Email, Result, User, UserAdminStore};

#[async_trait]
impl UserAdminStore for Store {
    async fn list(&self, email: Option<&Email>, page: PageRequest) -> Result<Vec<User>> {
        let mut query = user::Entity::find();
        if let Some(email) = email {
            query = query.filter(user::Column::Email.eq(email.as_str()));
        }
        if let Some(before) = page.before {
            query = query.filter(user::Column::Id.lt(before));
        }
        let rows = query
            .order_by_desc(user::Column::Id)
            .limit(page.size + 1)
            .all(self.database.read())
            .await?;
        rows.into_iter().map(users::user).collect()
    }

    // SQLite has no row locks and needs none: a transaction there is the only writer.
    async fn change(&self, id: UserId, rule: ChangeRule) -> Result<Option<(User, bool)>> {
        let transaction = self.database.begin().await?;
        let found = user::Entity::find_by_id(id.uuid())
            .lock_exclusive()
            .one(&*transaction)
            .await?;
        let Some(present) = found.map(users::user).transpose()? else {
            transaction.rollback().await?;
            return Ok(None);
        };
        let Some(change) = rule(&present) else {
            transaction.rollback().await?;
            return Ok(Some((present, false)));
        };
        write(&transaction, id, &change).await?;
        transaction.commit().await?;
        let plan = change.plan;
        Ok(Some((User { plan, ..present }, true)))
    }

    async fn audit(&self, id: UserId, page: PageRequest) -> Result<Vec<AuditEvent>> {
        let mut query = audit::Entity::find().filter(audit::Column::Target.eq(id.to_string()));
        if let Some(before) = page.before {
            query = query.filter(audit::Column::Id.lt(before));
        }
        let rows = query
            .order_by_desc(audit::Column::Id)
            .limit(page.size + 1)
            .all(self.database.read())
            .await?;
        Ok(rows.into_iter().map(event).collect())
    }
}

async fn write(transaction: &Transaction, id: UserId, change: &Change) -> Result<()> {
    let event = &change.event;
    let now = event.created_at.micros();
    user::Entity::update_many()
        .col_expr(user::Column::Tier, Expr::value(change.plan.as_str()))
        .col_expr(user::Column::UpdatedAt, Expr::value(now))
        .col_expr(user::Column::UpdatedBy, Expr::value(event.actor.as_str()))
        .filter(user::Column::Id.eq(id.uuid()))
        .exec(&**transaction)
        .await?;
    record(transaction, event).await
}

/// Adds the record of a change.
pub async fn record(transaction: &Transaction, event: &AuditEvent) -> Result<()> {
    let row = audit::ActiveModel {
        id: Set(event.id),
        action: Set(event.action.clone()),
        target: Set(event.target.clone()),
        before: Set(event.before.clone()),
        after: Set(event.after.clone()),
        actor: Set(event.actor.clone()),
        created_at: Set(event.created_at.micros()),
    };
    audit::Entity::insert(row)
        .exec_without_returning(&**transaction)
        .await?;
    Ok(())
}

fn event(row: audit::Model) -> AuditEvent {
    AuditEvent {
        id: row.id,
        action: row.action,
        target: row.target,
        before: row.before,
        after: row.after,
        actor: row.actor,
        created_at: Timestamp(row.created_at),
    }
}

//! Audit rows.

use sea_orm::{ConnectionTrait, QueryResult};
use types::{Page, PageRequest, Timestamp};
use uuid::Uuid;

use super::change::{execute, query};
use crate::domain::audit::AuditEvent;
use crate::store::error::StoreError;

/// Writes one.
pub async fn insert(
    connection: &impl ConnectionTrait,
    event: &AuditEvent,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO audit (id, action, target, before, after, actor, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = [
        event.id.into(),
        event.action.clone().into(),
        event.target.clone().into(),
        event.before.clone().into(),
        event.after.clone().into(),
        event.actor.clone().into(),
        event.created_at.micros().into(),
    ];
    execute(connection, sql, values).await?;
    Ok(())
}

/// A page of them, newest first.
pub async fn list(
    connection: &impl ConnectionTrait,
    page: PageRequest,
) -> Result<Page<AuditEvent>, StoreError> {
    let sql = "SELECT * FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2";
    let rows = query(connection, sql, [before(page), most(page)]).await?;
    let events: Result<Vec<_>, _> = rows.iter().map(read).collect();
    Ok(Page::from_rows(events?, page, |event| event.id))
}

fn read(row: &QueryResult) -> Result<AuditEvent, StoreError> {
    Ok(AuditEvent {
        id: row.try_get("", "id")?,
        action: row.try_get("", "action")?,
        target: row.try_get("", "target")?,
        before: row.try_get("", "before")?,
        after: row.try_get("", "after")?,
        actor: row.try_get("", "actor")?,
        created_at: Timestamp(row.try_get("", "created_at")?),
    })
}

/// Below which id a page begins.
pub fn before(page: PageRequest) -> sea_orm::Value {
    page.before.unwrap_or(Uuid::max()).into()
}

/// How many rows tell a page, and whether there is another one.
pub fn most(page: PageRequest) -> sea_orm::Value {
    i64::try_from(page.size.saturating_add(1))
        .unwrap_or(i64::MAX)
        .into()
}

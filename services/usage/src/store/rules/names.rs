//! Which API keys and projects were ever heard of.

use sea_orm::ConnectionTrait;

use super::change::{number, query};
use super::seed::OPEN;
use crate::domain::scope::Scope;
use crate::store::error::StoreError;
use crate::store::reservations;

/// Whether work that was done or is under way names what a scope counts. Others are known otherwise:
/// a provider is given its budget before its first work.
pub async fn is_named(
    connection: &impl ConnectionTrait,
    scope: &Scope,
) -> Result<bool, StoreError> {
    match scope {
        Scope::ApiKey(id) => {
            let done = "SELECT 1 FROM usage_daily WHERE api_key = $1";
            Ok(exists(connection, done, id).await? || is_under_way(connection, scope).await?)
        }
        Scope::Project(id) => {
            let done = "SELECT 1 FROM usage_daily WHERE project = $1";
            Ok(exists(connection, done, id).await? || is_under_way(connection, scope).await?)
        }
        Scope::Global | Scope::User(_) | Scope::Plan(_) | Scope::Provider(_) | Scope::Kind(_) => {
            Ok(true)
        }
    }
}

async fn exists(
    connection: &impl ConnectionTrait,
    rows: &str,
    name: &str,
) -> Result<bool, StoreError> {
    let sql = format!("SELECT COUNT(*) AS n FROM (SELECT * FROM ({rows}) AS named LIMIT 1) AS one");
    Ok(number(connection, sql, [name.into()]).await? > 0)
}

async fn is_under_way(
    connection: &impl ConnectionTrait,
    scope: &Scope,
) -> Result<bool, StoreError> {
    for row in query(connection, OPEN, []).await? {
        let open = reservations::read(&row)?;
        if scope.takes_in(open.owner, &open.tier, &open.purpose) {
            return Ok(true);
        }
    }
    Ok(false)
}

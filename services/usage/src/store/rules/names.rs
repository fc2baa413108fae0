//! Which providers, API keys and projects were ever heard of.

use sea_orm::ConnectionTrait;

use super::change::{number, query};
use super::seed::OPEN;
use crate::domain::scope::Scope;
use crate::store::error::StoreError;
use crate::store::reservations;

/// Whether anything names what a scope counts: a price, work that was done or is under way. Users,
/// plans and kinds are known otherwise.
pub async fn is_named(
    connection: &impl ConnectionTrait,
    scope: &Scope,
) -> Result<bool, StoreError> {
    match scope {
        Scope::Provider(name) => {
            Ok(is_provider(connection, name).await? || is_under_way(connection, scope).await?)
        }
        Scope::ApiKey(id) => {
            let done = "SELECT 1 FROM usage_daily WHERE api_key = $1";
            Ok(exists(connection, done, id).await? || is_under_way(connection, scope).await?)
        }
        Scope::Project(id) => {
            let done = "SELECT 1 FROM usage_daily WHERE project = $1";
            Ok(exists(connection, done, id).await? || is_under_way(connection, scope).await?)
        }
        Scope::Global | Scope::User(_) | Scope::Plan(_) | Scope::Kind(_) => Ok(true),
    }
}

/// Whether a price, a budget or work that was done names this provider.
pub async fn is_provider(
    connection: &impl ConnectionTrait,
    name: &str,
) -> Result<bool, StoreError> {
    let named = "SELECT 1 FROM prices WHERE provider = $1
        UNION ALL SELECT 1 FROM budgets WHERE scope_type = 'provider' AND scope_value = $1
        UNION ALL SELECT 1 FROM usage_daily WHERE provider = $1";
    exists(connection, named, name).await
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

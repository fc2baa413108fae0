//! Reads plans, budgets, prices and pauses as they were at one moment.

use sea_orm::{ConnectionTrait, QueryResult, Statement};
use types::{Microusd, Timestamp};

use crate::domain::budget::Budget;
use crate::domain::meter::Meter;
use crate::domain::plan::{Plan, Plans};
use crate::domain::price::{Price, Unit};
use crate::domain::rules::{Pause, Rules};
use crate::domain::scope::Scope;
use crate::domain::window::{Calendar, WindowKind};
use crate::store::error::StoreError;

const PLANS: &str = "SELECT * FROM plans ORDER BY name";
const BUDGETS: &str = "SELECT * FROM budgets ORDER BY id";
const PRICES: &str = "SELECT * FROM prices WHERE retired_at IS NULL ORDER BY id";
const PAUSES: &str =
    "SELECT reason, paused_at FROM pauses WHERE resumed_at IS NULL ORDER BY paused_at LIMIT 1";

/// The version of the rules; it grows in every transaction that changes one.
pub async fn version(connection: &impl ConnectionTrait) -> Result<i64, StoreError> {
    let rows = query(connection, "SELECT version FROM rules_version").await?;
    let row = rows.first();
    let row = row.ok_or(StoreError::Corrupt("the rules have no version"))?;
    Ok(row.try_get("", "version")?)
}

/// The rules over the configured plans. They are of one moment: when the version is the same before
/// and after, nothing changed between.
pub async fn read(
    connection: &impl ConnectionTrait,
    configured: Plans,
    calendar: Calendar,
) -> Result<Rules, StoreError> {
    let mut before = version(connection).await?;
    loop {
        let mut plans = configured.clone();
        for row in query(connection, PLANS).await? {
            plans.put(plan(&row)?);
        }
        let budgets = query(connection, BUDGETS).await?;
        let budgets: Result<_, _> = budgets.iter().map(budget).collect();
        let prices = query(connection, PRICES).await?;
        let prices: Result<_, _> = prices.iter().map(price).collect();
        let pauses = query(connection, PAUSES).await?;
        let pause = pauses.first().map(pause).transpose()?;
        let after = version(connection).await?;
        if after == before {
            return Ok(Rules::new(after, plans, budgets?, prices?, pause, calendar));
        }
        before = after;
    }
}

async fn query(
    connection: &impl ConnectionTrait,
    sql: &'static str,
) -> Result<Vec<QueryResult>, StoreError> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    Ok(connection.query_all_raw(statement).await?)
}

/// Reads a row of `plans`.
pub fn plan(row: &QueryResult) -> Result<Plan, StoreError> {
    let name: String = row.try_get("", "name")?;
    let limits: String = row.try_get("", "limits")?;
    let plan = format!("{name}:{limits}").parse();
    plan.map_err(|_| StoreError::Corrupt("a plan's limits"))
}

/// Reads a row of `budgets`.
pub fn budget(row: &QueryResult) -> Result<Budget, StoreError> {
    let text = |column| row.try_get::<String>("", column);
    let (scope, value) = (text("scope_type")?, text("scope_value")?);
    let percents: String = text("alert_percents")?;
    let percents = serde_json::from_str(&percents);
    Ok(Budget {
        id: row.try_get("", "id")?,
        name: text("name")?,
        scope: Scope::parse(&scope, &value).ok_or(StoreError::Corrupt("a budget's scope"))?,
        meter: Meter::parse(&text("meter")?).ok_or(StoreError::Corrupt("a budget's meter"))?,
        window: WindowKind::parse(&text("window_kind")?)
            .ok_or(StoreError::Corrupt("a budget's window"))?,
        limit: row.try_get("", "units")?,
        is_hard: row.try_get("", "is_hard")?,
        alert_percents: percents.map_err(|_| StoreError::Corrupt("a budget's percents"))?,
        epoch: row.try_get("", "epoch")?,
        created_at: Timestamp(row.try_get("", "created_at")?),
        updated_at: Timestamp(row.try_get("", "updated_at")?),
        created_by: text("created_by")?,
        updated_by: text("updated_by")?,
    })
}

/// Reads a row of `prices`.
pub fn price(row: &QueryResult) -> Result<Price, StoreError> {
    let text = |column| row.try_get::<String>("", column);
    Ok(Price {
        id: row.try_get("", "id")?,
        version: row.try_get("", "version")?,
        provider: text("provider")?,
        model: text("model")?,
        unit: Unit::parse(&text("unit")?).ok_or(StoreError::Corrupt("a price's unit"))?,
        size: text("size")?,
        quality: text("quality")?,
        price: Microusd(row.try_get("", "price")?),
        as_of: text("as_of")?,
        created_at: Timestamp(row.try_get("", "created_at")?),
        retired_at: (row.try_get::<Option<i64>>("", "retired_at")?).map(Timestamp),
        created_by: text("created_by")?,
    })
}

fn pause(row: &QueryResult) -> Result<Pause, StoreError> {
    Ok(Pause {
        reason: row.try_get("", "reason")?,
        since: Timestamp(row.try_get("", "paused_at")?),
    })
}

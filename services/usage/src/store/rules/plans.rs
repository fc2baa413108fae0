//! Plans as rows; they lie over the configured ones.

use sea_orm::{ConnectionTrait, QueryResult};
use types::Timestamp;

use super::change::{Change, execute, number, query};
use super::{load, seed};
use crate::domain::audit::{AuditEvent, Signature};
use crate::domain::error::Error;
use crate::domain::plan::{Limit, Plan};
use crate::domain::rulebook::Written;
use crate::domain::window::WindowKind;
use crate::store::SqlBook;
use crate::store::error::StoreError;

/// Writes a plan over the one of its name. What it limits anew counts what was used before.
pub async fn put(book: &SqlBook, plan: &Plan, by: &Signature) -> Result<Written<Plan>, StoreError> {
    let change = Change::begin(book).await?;
    let sql = "INSERT INTO plans (name, limits, created_at, updated_at, created_by, updated_by)
               VALUES ($1, $2, $3, $3, $4, $4)
               ON CONFLICT (name) DO UPDATE SET limits = excluded.limits,
                   updated_at = excluded.updated_at, updated_by = excluded.updated_by";
    let values = [
        plan.name().into(),
        plan.limits_text().into(),
        by.at.micros().into(),
        by.actor.clone().into(),
    ];
    execute(&*change.tx, sql, values).await?;
    let written = find(&*change.tx, plan.name()).await?;
    let written = written.ok_or(StoreError::Corrupt("a plan that was written"))?;
    let before = change.before.plans.find(plan.name()).ok().cloned();
    seed_new_limits(&change, before.as_ref(), plan, by).await?;
    let pictures = (before.map(|plan| plan.picture()), Some(plan.picture()));
    let event = AuditEvent::new(by, "plan.put", &plan.name(), pictures.0, pictures.1);
    change.end(&event).await?;
    Ok(written)
}

/// Forgets what was written of a plan; one that is in use and would be gone only by force.
pub async fn delete(
    book: &SqlBook,
    name: &str,
    force: bool,
    by: &Signature,
) -> Result<(), StoreError> {
    let change = Change::begin(book).await?;
    let written = find(&*change.tx, name).await?;
    let written = written.ok_or(StoreError::Domain(Error::NotFound("plan")))?;
    let sql = "DELETE FROM plans WHERE name = $1";
    execute(&*change.tx, sql, [name.into()]).await?;
    let configured = book.shelf.configured(name);
    if configured.is_none() && !force {
        refuse_in_use(&change, name, by).await?;
    }
    if let Some(plan) = configured {
        seed_new_limits(&change, Some(&written.rule), plan, by).await?;
    }
    let pictures = (written.rule.picture(), configured.map(Plan::picture));
    let event = AuditEvent::new(by, "plan.delete", &name, Some(pictures.0), pictures.1);
    change.end(&event).await
}

// Whoever is on it could order nothing any more. Accounts know their plans, the books only who used
// something.
async fn refuse_in_use(change: &Change, name: &str, by: &Signature) -> Result<(), StoreError> {
    let calendar = change.before.calendar();
    let month = calendar.containing(WindowKind::Month, by.at);
    let (first, _) = calendar.days(month);
    let budgets =
        "SELECT COUNT(*) AS n FROM budgets WHERE scope_type = 'plan' AND scope_value = $1";
    let budgets = number(&*change.tx, budgets, [name.into()]).await?;
    let owners = "SELECT COUNT(*) AS n FROM (
        SELECT owner FROM usage_daily WHERE day >= $1 AND tier = $2 UNION
        SELECT owner FROM reservations WHERE state IN ('held', 'confirmed') AND tier = $2 UNION
        SELECT owner FROM reservations WHERE state = 'suspended' AND tier = $2) AS found";
    let owners = number(&*change.tx, owners, [first.into(), name.into()]).await?;
    if (budgets, owners) == (0, 0) {
        return Ok(());
    }
    let problem = format!(
        "the plan '{name}' is in use: {budgets} budgets count it, and {owners} users on it used \
         something this month or have work under way, who could order nothing any more; move them to \
         another plan, or say 'force'"
    );
    Err(StoreError::Domain(Error::InUse(problem)))
}

async fn seed_new_limits(
    change: &Change,
    before: Option<&Plan>,
    plan: &Plan,
    by: &Signature,
) -> Result<(), StoreError> {
    let was_limited = |limit: &Limit| {
        let limits = before.map(Plan::limits).unwrap_or_default();
        limits.iter().any(|other| other.is_beside(limit))
    };
    for limit in plan.limits().iter().filter(|limit| !was_limited(limit)) {
        let claim = seed::Claim {
            whose: seed::Whose::OwnersOn(plan.name()),
            meter: limit.meter,
            window: limit.window,
        };
        seed::seed(&*change.tx, &change.before, claim, by.at).await?;
    }
    Ok(())
}

async fn find(
    connection: &impl ConnectionTrait,
    name: &str,
) -> Result<Option<Written<Plan>>, StoreError> {
    let sql = "SELECT * FROM plans WHERE name = $1";
    let rows = query(connection, sql, [name.into()]).await?;
    rows.first().map(read).transpose()
}

/// Every plan that was written, by name.
pub async fn list(connection: &impl ConnectionTrait) -> Result<Vec<Written<Plan>>, StoreError> {
    let rows = query(connection, "SELECT * FROM plans ORDER BY name", []).await?;
    rows.iter().map(read).collect()
}

fn read(row: &QueryResult) -> Result<Written<Plan>, StoreError> {
    Ok(Written {
        rule: load::plan(row)?,
        created_at: Timestamp(row.try_get("", "created_at")?),
        updated_at: Timestamp(row.try_get("", "updated_at")?),
        created_by: row.try_get("", "created_by")?,
        updated_by: row.try_get("", "updated_by")?,
    })
}

//! Budgets as rows.

use database::DatabaseError;
use sea_orm::ConnectionTrait;
use types::{Page, PageRequest};
use uuid::Uuid;

use super::audit::{before, most};
use super::change::{Change, execute, number, query};
use super::{load, names, seed};
use crate::domain::alert;
use crate::domain::audit::{AuditEvent, Signature};
use crate::domain::budget::{Budget, BudgetChange, MOST_BUDGETS};
use crate::domain::counter::Key;
use crate::domain::error::Error;
use crate::store::SqlBook;
use crate::store::error::StoreError;
use crate::store::{alerts, counters};

const NONE: StoreError = StoreError::Domain(Error::NotFound("budget"));

/// Makes a budget. It counts what was used in its window before, and tells of the thresholds that are
/// passed already.
pub async fn create(book: &SqlBook, budget: &Budget, by: &Signature) -> Result<(), StoreError> {
    let change = Change::begin(book).await?;
    let count = "SELECT COUNT(*) AS n FROM budgets";
    if number(&*change.tx, count, []).await? >= MOST_BUDGETS {
        let problem = format!(
            "cannot be made: there are {MOST_BUDGETS} budgets, and every process holds all of them \
             in memory"
        );
        return Err(StoreError::Domain(Error::invalid("scope", &problem)));
    }
    if !names::is_named(&*change.tx, &budget.scope).await? {
        let problem = format!(
            "names a {} that no work has named yet: misspelt, it would count nothing; let it do some \
             work first",
            budget.scope.kind().replace('_', " ")
        );
        return Err(StoreError::Domain(Error::invalid("scope.value", &problem)));
    }
    insert(&*change.tx, budget)
        .await
        .map_err(|error| match error {
            StoreError::Database(DatabaseError::Duplicate(_)) => {
                StoreError::Domain(Error::AlreadyExists("budget"))
            }
            error => error,
        })?;
    let claim = seed::Claim {
        whose: seed::Whose::Scope(&budget.scope),
        meter: budget.meter,
        window: budget.window,
    };
    let seeded = seed::seed(&*change.tx, &change.before, claim, by.at).await?;
    let key = budget.key(change.before.calendar(), by.at);
    let tally = seeded.get(&key).copied().unwrap_or_default();
    let rung = alert::arisen(None, budget, &key, tally, by);
    alerts::insert(&*change.tx, &rung).await?;
    let event = AuditEvent::new(
        by,
        "budget.create",
        &budget.id,
        None,
        Some(budget.picture()),
    );
    change.end(&event).await
}

/// Changes a budget. A lowered limit tells of the thresholds it passes by that.
pub async fn update(
    book: &SqlBook,
    id: Uuid,
    wanted: &BudgetChange,
    by: &Signature,
) -> Result<Budget, StoreError> {
    let change = Change::begin(book).await?;
    let old = find(&*change.tx, id).await?.ok_or(NONE)?;
    let budget = old.changed(wanted.clone(), by);
    if budget.picture() == old.picture() {
        return Ok(old);
    }
    let sql = "UPDATE budgets SET name = $2, units = $3, is_hard = $4, alert_percents = $5,
                   epoch = $6, updated_at = $7, updated_by = $8 WHERE id = $1";
    let values = [
        id.into(),
        budget.name.clone().into(),
        budget.limit.into(),
        budget.is_hard.into(),
        percents(&budget)?.into(),
        budget.epoch.into(),
        by.at.micros().into(),
        by.actor.clone().into(),
    ];
    execute(&*change.tx, sql, values).await?;
    let key: Key = budget.key(change.before.calendar(), by.at);
    let tallies = counters::read(&*change.tx, std::slice::from_ref(&key)).await?;
    let tally = tallies.first().copied().unwrap_or_default();
    let rung = alert::arisen(Some(&old), &budget, &key, tally, by);
    alerts::insert(&*change.tx, &rung).await?;
    let pictures = (Some(old.picture()), Some(budget.picture()));
    let event = AuditEvent::new(by, "budget.update", &id, pictures.0, pictures.1);
    change.end(&event).await?;
    Ok(budget)
}

/// Removes a budget. Its counters stay, for what is under way still settles on them; nobody looks at
/// them any more.
pub async fn delete(book: &SqlBook, id: Uuid, by: &Signature) -> Result<(), StoreError> {
    let change = Change::begin(book).await?;
    let old = find(&*change.tx, id).await?.ok_or(NONE)?;
    let sql = "DELETE FROM budgets WHERE id = $1";
    execute(&*change.tx, sql, [id.into()]).await?;
    let event = AuditEvent::new(by, "budget.delete", &id, Some(old.picture()), None);
    change.end(&event).await
}

async fn insert(connection: &impl ConnectionTrait, budget: &Budget) -> Result<(), StoreError> {
    let sql = "INSERT INTO budgets (id, name, scope_type, scope_value, meter, window_kind, units,
                   is_hard, alert_percents, epoch, created_at, updated_at, created_by, updated_by)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    let values = [
        budget.id.into(),
        budget.name.clone().into(),
        budget.scope.kind().into(),
        budget.scope.value().into(),
        budget.meter.as_str().into(),
        budget.window.as_str().into(),
        budget.limit.into(),
        budget.is_hard.into(),
        percents(budget)?.into(),
        budget.epoch.into(),
        budget.created_at.micros().into(),
        budget.updated_at.micros().into(),
        budget.created_by.clone().into(),
        budget.updated_by.clone().into(),
    ];
    execute(connection, sql, values).await?;
    Ok(())
}

fn percents(budget: &Budget) -> Result<String, StoreError> {
    let percents = serde_json::to_string(&budget.alert_percents);
    percents.map_err(|_| StoreError::Corrupt("a budget's percents"))
}

/// One budget.
pub async fn find(
    connection: &impl ConnectionTrait,
    id: Uuid,
) -> Result<Option<Budget>, StoreError> {
    let sql = "SELECT * FROM budgets WHERE id = $1";
    let rows = query(connection, sql, [id.into()]).await?;
    rows.first().map(load::budget).transpose()
}

/// A page of them, newest first.
pub async fn list(
    connection: &impl ConnectionTrait,
    page: PageRequest,
) -> Result<Page<Budget>, StoreError> {
    let sql = "SELECT * FROM budgets WHERE id < $1 ORDER BY id DESC LIMIT $2";
    let rows = query(connection, sql, [before(page), most(page)]).await?;
    let budgets: Result<Vec<_>, _> = rows.iter().map(load::budget).collect();
    Ok(Page::from_rows(budgets?, page, |budget| budget.id))
}

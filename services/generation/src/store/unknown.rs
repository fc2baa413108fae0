//! Tasks whose money is in suspense, their attempt nobody knows the outcome of, and its end.

use std::collections::HashMap;

use async_trait::async_trait;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect, Statement,
};
use types::{GenerationId, Microusd, Page, PageRequest};
use uuid::Uuid;

use super::entity::{attempts, tasks};
use super::{Store, attempts as ledger, ends, failed, rows, written};
use crate::domain::attempt::AttemptState;
use crate::domain::error::{Error, TooLate};
use crate::domain::settlement::{Call, Resolution};
use crate::domain::unknown::{UnknownAttempt, Unknowns, Verdict};

// In the words of the index on these.
const SUSPENDED: &str = r#"resolution = '"suspend"'"#;

#[derive(FromQueryResult)]
struct Sum {
    count: i64,
    money: i64,
}

#[async_trait]
impl Unknowns for Store {
    async fn unknown(&self, page: PageRequest) -> Result<Page<UnknownAttempt>, Error> {
        let mut query = tasks::Entity::find().filter(Expr::cust(SUSPENDED));
        if let Some(before) = page.before {
            query = query.filter(tasks::Column::Id.lt(before));
        }
        let query = query.order_by_desc(tasks::Column::Id).limit(page.size + 1);
        let found = query.all(self.db.read()).await.map_err(failed)?;
        let found = Page::from_rows(found, page, |row| row.id);
        let ids: Vec<Uuid> = found.items.iter().map(|row| row.id).collect();
        let mut unknown: HashMap<Uuid, attempts::Model> = HashMap::new();
        for row in unknown_of(self.db.read(), ids).await? {
            unknown.insert(row.task_id, row);
        }
        let whole = found.items.iter().filter_map(|task| {
            let attempt = unknown.remove(&task.id)?;
            Some(rows::unknown(task, attempt))
        });
        Ok(Page {
            items: whole.collect::<Result<_, _>>()?,
            next_token: found.next_token,
        })
    }

    async fn unknown_sum(&self) -> Result<(i64, Microusd), Error> {
        let sql = format!(
            "SELECT COUNT(*) AS count, CAST(COALESCE(SUM(price_microusd), 0) AS BIGINT) AS money
             FROM tasks WHERE {SUSPENDED}"
        );
        let db = self.db.read();
        let statement = Statement::from_string(db.get_database_backend(), sql);
        let sum = Sum::find_by_statement(statement).one(db).await;
        let sum = sum.map_err(failed)?;
        Ok(sum.map_or((0, Microusd(0)), |sum| (sum.count, Microusd(sum.money))))
    }

    async fn resolve(
        &self,
        task: GenerationId,
        verdict: &Verdict,
    ) -> Result<(UnknownAttempt, bool), Error> {
        let tx = self.db.begin().await.map_err(failed)?;
        let row = ends::lock(&*tx, task.uuid()).await?;
        let row = row.ok_or(Error::NotFound)?;
        let mut unknown = unknown_of(&*tx, vec![row.id]).await?;
        // The first nobody has resolved; else the last, which is answered as it is.
        let open = unknown.iter().position(|one| one.cost_microusd.is_none());
        let place = open.or(unknown.len().checked_sub(1));
        let mut attempt = unknown.swap_remove(place.ok_or(Error::NotFound)?);
        if attempt.resolved_at.is_some() && attempt.cost_microusd == Some(verdict.cost.0) {
            return Ok((rows::unknown(&row, attempt)?, false));
        }
        let is_suspended = row.resolution.as_deref() == Some(&written(&Resolution::Suspend)?);
        if !is_suspended || attempt.cost_microusd.is_some() {
            return Err(Error::TooLate(TooLate::Known));
        }
        attempt.cost_microusd = Some(verdict.cost.0);
        attempt.resolved_at = Some(verdict.at.micros());
        attempt.resolved_by = Some(verdict.actor.clone());
        attempt.note = Some(verdict.note.clone());
        ledger::resolve(&*tx, &attempt).await?;
        self.end_suspense(&*tx, &row).await?;
        tx.commit().await.map_err(failed)?;
        Ok((rows::unknown(&row, attempt)?, true))
    }
}

impl Store {
    /// What a task's reservation becomes now that more is known of its attempts; nothing while the task
    /// goes on, or its reservation was resolved before.
    pub(super) async fn end_suspense(
        &self,
        db: &impl ConnectionTrait,
        row: &tasks::Model,
    ) -> Result<(), Error> {
        let is_suspended = row.resolution.as_deref() == Some(&written(&Resolution::Suspend)?);
        let billed = ledger::billed(db, row.id).await?;
        let resolution = Resolution::of(rows::price(row), &billed);
        // While another attempt of it is unknown, all of it stays suspended.
        if !is_suspended || resolution == Resolution::Suspend {
            return Ok(());
        }
        let cost = Expr::value(resolution.cost().0);
        let written = Expr::value(written(&resolution)?);
        let update = tasks::Entity::update_many()
            .col_expr(tasks::Column::Resolution, written)
            .col_expr(tasks::Column::CostMicrousd, cost)
            .filter(tasks::Column::Id.eq(row.id));
        update.exec(db).await.map_err(failed)?;
        self.owe(db, row, &Call::Resolve(resolution)).await
    }
}

// The last one of a task comes last: those that were resolved before it come first.
async fn unknown_of(
    db: &impl ConnectionTrait,
    ids: Vec<Uuid>,
) -> Result<Vec<attempts::Model>, Error> {
    let found = attempts::Entity::find()
        .filter(attempts::Column::TaskId.is_in(ids))
        .filter(attempts::Column::State.eq(AttemptState::Unknown.as_str()))
        .order_by_asc(attempts::Column::Number);
    found.all(db).await.map_err(failed)
}

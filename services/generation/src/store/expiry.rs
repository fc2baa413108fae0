//! Ends pending tasks whose time is over, each in a transaction of its own.

use async_trait::async_trait;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, Statement};
use types::GenerationId;
use uuid::Uuid;

use super::entity::tasks;
use super::{Store, attempts, ends, events, failed, rows, transitions};
use crate::domain::attempt::AttemptState;
use crate::domain::error::Error;
use crate::domain::events::{EventKind, Step};
use crate::domain::generation::Status;
use crate::domain::ports::Expiry;
use crate::domain::queue::expired;
use crate::domain::settlement::{Call, Resolution};

#[derive(FromQueryResult)]
struct Due {
    id: Uuid,
}

#[async_trait]
impl Expiry for Store {
    async fn expire_due(&self, limit: u64) -> Result<Vec<GenerationId>, Error> {
        let sql = format!(
            "SELECT id FROM tasks WHERE status = 'pending' AND expires_at IS NOT NULL
                AND expires_at <= {} ORDER BY expires_at LIMIT $1",
            self.now_sql()
        );
        let db = self.db.read();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let statement =
            Statement::from_sql_and_values(db.get_database_backend(), sql, [limit.into()]);
        let due = Due::find_by_statement(statement).all(db).await;
        let mut ended = Vec::new();
        for one in due.map_err(failed)? {
            let id = GenerationId(one.id);
            if self.expire(id).await? {
                ended.push(id);
            }
        }
        Ok(ended)
    }
}

impl Store {
    async fn expire(&self, id: GenerationId) -> Result<bool, Error> {
        let now = self.clock.now().micros();
        let tx = self.db.begin().await.map_err(failed)?;
        let found = ends::lock(&*tx, id.uuid()).await?;
        let waits = |row: &tasks::Model| row.status == Status::Pending.as_str();
        let Some(row) = found.filter(waits) else {
            return Ok(false);
        };
        let last = attempts::last_of(&*tx, id).await?;
        let has_left = |state| !matches!(state, AttemptState::Planned | AttemptState::Failed);
        if last.is_some_and(|last| has_left(last.state)) {
            never(&*tx, row.id).await?;
            tx.commit().await.map_err(failed)?;
            return Ok(false);
        }
        let failure = expired();
        let step = Step::saying(EventKind::Failed, failure.message.clone());
        let resolution = Resolution::of(rows::price(&row), &attempts::billed(&*tx, row.id).await?);
        let cost = resolution.cost();
        let change = transitions::ended(&step, now, Status::Failed, cost, &resolution)?;
        let change = transitions::because(change, &failure).filter(tasks::Column::Id.eq(row.id));
        let row = events::apply(&*tx, change, &step).await?;
        let row = row.ok_or(Error::NotFound)?;
        attempts::cancel(&*tx, row.id, None, now).await?;
        self.announce(&*tx, &row, &[]).await?;
        self.owe(&*tx, &row, &Call::Resolve(resolution)).await?;
        tx.commit().await.map_err(failed)?;
        Ok(true)
    }
}

// Its order is under way between two workers, and will be billed.
async fn never(db: &impl ConnectionTrait, task: Uuid) -> Result<(), Error> {
    tasks::Entity::update_many()
        .col_expr(tasks::Column::ExpiresAt, Expr::value(None::<i64>))
        .filter(tasks::Column::Id.eq(task))
        .exec(db)
        .await
        .map_err(failed)?;
    Ok(())
}

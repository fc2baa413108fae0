//! Rows of what cannot be seen: uploads under way and deleted files, for the sweeper.

use async_trait::async_trait;
use database::Database;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use types::{FileId, Timestamp, UserId};
use uuid::Uuid;

use super::entity::{files, uploads};
use super::files::{misread, refused};
use super::ledger::{Done, Ledger, Wish};
use crate::domain::{File, FileError, UploadStore};

/// The table `uploads`, and the deleted rows of `files`.
#[derive(Clone)]
pub struct UploadRows {
    database: Database,
    ledger: Ledger,
}

impl UploadRows {
    pub(super) const fn new(database: Database, ledger: Ledger) -> Self {
        Self { database, ledger }
    }
}

#[async_trait]
impl UploadStore for UploadRows {
    async fn begin(
        &self,
        id: FileId,
        now: Timestamp,
        operation: Option<(UserId, &str)>,
    ) -> Result<Option<File>, FileError> {
        let operation = operation.map(|(owner, name)| (owner, name.to_owned()));
        match self.ledger.post(Wish::Begin(id, now, operation)).await? {
            Done::Begun(earlier) => Ok(earlier),
            other => Err(misread(&other)),
        }
    }

    async fn end(&self, id: FileId) -> Result<(), FileError> {
        uploads::Entity::delete_by_id(id.uuid())
            .exec(self.database.write())
            .await
            .map_err(refused)?;
        Ok(())
    }

    // Found first and marked then: the mark itself asks again for nothing, because an upload that
    // ended in between has no row to mark. What was marked before is marked again, so that bytes
    // whose removal failed are tried until they are gone.
    async fn abandon(
        &self,
        begun_before: Timestamp,
        now: Timestamp,
        limit: u64,
    ) -> Result<Vec<FileId>, FileError> {
        let old: Vec<Uuid> = uploads::Entity::find()
            .select_only()
            .column(uploads::Column::Id)
            .filter(uploads::Column::StartedAt.lt(begun_before.micros()))
            .order_by_asc(uploads::Column::StartedAt)
            .limit(limit)
            .into_tuple()
            .all(self.database.read())
            .await
            .map_err(refused)?;
        if old.is_empty() {
            return Ok(Vec::new());
        }
        let marked = uploads::Entity::update_many()
            .col_expr(uploads::Column::AbandonedAt, Expr::value(now.micros()))
            .filter(uploads::Column::Id.is_in(old))
            .exec_with_returning(self.database.write())
            .await
            .map_err(refused)?;
        Ok(marked.into_iter().map(|row| FileId(row.id)).collect())
    }

    async fn deleted(
        &self,
        deleted_before: Timestamp,
        limit: u64,
    ) -> Result<Vec<FileId>, FileError> {
        let ids: Vec<Uuid> = files::Entity::find()
            .select_only()
            .column(files::Column::Id)
            .filter(files::Column::DeletedAt.lt(deleted_before.micros()))
            .order_by_asc(files::Column::DeletedAt)
            .limit(limit)
            .into_tuple()
            .all(self.database.read())
            .await
            .map_err(refused)?;
        Ok(ids.into_iter().map(FileId).collect())
    }

    async fn purge(&self, id: FileId) -> Result<(), FileError> {
        files::Entity::delete_many()
            .filter(files::Column::Id.eq(id.uuid()))
            .filter(files::Column::DeletedAt.is_not_null())
            .exec(self.database.write())
            .await
            .map_err(refused)?;
        Ok(())
    }
}

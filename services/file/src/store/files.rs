//! Rows of files, found only with their owner.

use async_trait::async_trait;
use database::{Database, DatabaseError};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use types::{FileId, PageRequest, SessionId, Timestamp, UserId};

use super::entity::{files, uploads};
use crate::domain::{File, FileError, FileName, FileStore, Inserted};

/// The table `files`.
#[derive(Debug, Clone)]
pub struct Files {
    database: Database,
}

impl Files {
    /// The table in this database.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl FileStore for Files {
    async fn insert(&self, file: &File, operation: Option<&str>) -> Result<Inserted, FileError> {
        let transaction = self.database.begin().await?;
        let ended = uploads::Entity::delete_many()
            .filter(uploads::Column::Id.eq(file.id.uuid()))
            .filter(uploads::Column::AbandonedAt.is_null())
            .exec(&*transaction)
            .await
            .map_err(refused)?;
        if ended.rows_affected == 0 {
            transaction.rollback().await?;
            return Ok(Inserted::Abandoned);
        }
        let row = to_row(file, operation)?;
        match row.insert(&*transaction).await.map_err(DatabaseError::from) {
            Ok(_) => {
                transaction.commit().await?;
                Ok(Inserted::Visible)
            }
            Err(duplicate @ DatabaseError::Duplicate(_)) => {
                transaction.rollback().await?;
                let operation = operation.unwrap_or_default();
                let earlier = self.find_operation(file.owner, operation).await?;
                // None: another constraint stood in the way, or the file was purged just now.
                earlier
                    .map(Inserted::Repeated)
                    .ok_or_else(|| duplicate.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn find_owned(&self, owner: UserId, id: FileId) -> Result<Option<File>, FileError> {
        let found = files::Entity::visible_to(owner)
            .filter(files::Column::Id.eq(id.uuid()))
            .one(self.database.read())
            .await
            .map_err(refused)?;
        found.map(to_file).transpose()
    }

    async fn find_operation(
        &self,
        owner: UserId,
        operation: &str,
    ) -> Result<Option<File>, FileError> {
        let found = files::Entity::find()
            .filter(files::Column::Owner.eq(owner.uuid()))
            .filter(files::Column::Operation.eq(operation))
            .one(self.database.read())
            .await
            .map_err(refused)?;
        found.map(to_file).transpose()
    }

    async fn list_owned(
        &self,
        owner: UserId,
        session: Option<SessionId>,
        page: PageRequest,
    ) -> Result<Vec<File>, FileError> {
        let mut query = files::Entity::visible_to(owner);
        if let Some(session) = session {
            query = query.filter(files::Column::Session.eq(session.uuid()));
        }
        if let Some(before) = page.before {
            query = query.filter(files::Column::Id.lt(before));
        }
        let rows = query
            .order_by_desc(files::Column::Id)
            .limit(page.size + 1)
            .all(self.database.read())
            .await
            .map_err(refused)?;
        rows.into_iter().map(to_file).collect()
    }

    async fn hide_owned(
        &self,
        owner: UserId,
        id: FileId,
        now: Timestamp,
    ) -> Result<bool, FileError> {
        let hidden = files::Entity::update_many()
            .col_expr(files::Column::DeletedAt, Expr::value(now.micros()))
            .filter(files::Column::Id.eq(id.uuid()))
            .filter(files::Column::Owner.eq(owner.uuid()))
            .filter(files::Column::DeletedAt.is_null())
            .exec(self.database.write())
            .await
            .map_err(refused)?;
        Ok(hidden.rows_affected == 1)
    }
}

pub(super) fn refused(error: DbErr) -> FileError {
    DatabaseError::from(error).into()
}

fn to_row(file: &File, operation: Option<&str>) -> Result<files::ActiveModel, FileError> {
    let number = |value: u32| i32::try_from(value).map_err(FileError::internal);
    Ok(files::ActiveModel {
        id: ActiveValue::Set(file.id.uuid()),
        owner: ActiveValue::Set(file.owner.uuid()),
        session: ActiveValue::Set(file.session.map(SessionId::uuid)),
        operation: ActiveValue::Set(operation.map(str::to_owned)),
        name: ActiveValue::Set(file.name.as_str().to_owned()),
        content_type: ActiveValue::Set(file.content_type.clone()),
        size: ActiveValue::Set(i64::try_from(file.size).map_err(FileError::internal)?),
        sha256: ActiveValue::Set(file.sha256.clone()),
        width: ActiveValue::Set(number(file.width)?),
        height: ActiveValue::Set(number(file.height)?),
        created_at: ActiveValue::Set(file.created_at.micros()),
        deleted_at: ActiveValue::Set(None),
    })
}

fn to_file(row: files::Model) -> Result<File, FileError> {
    Ok(File {
        id: FileId(row.id),
        owner: UserId(row.owner),
        session: row.session.map(SessionId),
        name: FileName::clean(&row.name),
        content_type: row.content_type,
        size: u64::try_from(row.size).map_err(FileError::internal)?,
        sha256: row.sha256,
        width: u32::try_from(row.width).map_err(FileError::internal)?,
        height: u32::try_from(row.height).map_err(FileError::internal)?,
        created_at: Timestamp(row.created_at),
    })
}

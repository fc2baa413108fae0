//! Rows of files, found only with their owner.

use async_trait::async_trait;
use database::{Database, DatabaseError};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use types::{FileId, PageRequest, SessionId, Timestamp, UserId};

use super::entity::files;
use super::ledger::{Done, Ledger, Wish};
use crate::domain::{File, FileError, FileName, FileStore, Inserted};

/// The table `files`.
#[derive(Clone)]
pub struct Files {
    database: Database,
    ledger: Ledger,
}

impl Files {
    pub(super) const fn new(database: Database, ledger: Ledger) -> Self {
        Self { database, ledger }
    }
}

#[async_trait]
impl FileStore for Files {
    async fn insert(&self, file: &File, operation: Option<&str>) -> Result<Inserted, FileError> {
        let wish = Wish::Insert(file.clone(), operation.map(str::to_owned));
        match self.ledger.post(wish).await? {
            Done::Inserted(inserted) => Ok(inserted),
            other => Err(misread(&other)),
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

// The ledger answers what it is asked.
pub(super) fn misread(done: &Done) -> FileError {
    FileError::internal(format!("the ledger answered {done:?}"))
}

pub(super) fn to_file(row: files::Model) -> Result<File, FileError> {
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

//! Files and the uploads they come from.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, integer, string, string_null, uuid, uuid_null,
};

/// This step.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum Files {
    Table,
    Id,
    Owner,
    Session,
    Operation,
    Name,
    ContentType,
    Size,
    Sha256,
    Width,
    Height,
    CreatedAt,
    DeletedAt,
}

#[derive(DeriveIden)]
enum Uploads {
    Table,
    Id,
    StartedAt,
    AbandonedAt,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // SQLite does not wrap a step in a transaction unless it is told to.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(files_table()).await?;
        for index in files_indexes() {
            manager.create_index(index).await?;
        }
        let uploads = Table::create()
            .table(Uploads::Table)
            .col(uuid(Uploads::Id).primary_key())
            .col(big_integer(Uploads::StartedAt))
            .col(big_integer_null(Uploads::AbandonedAt))
            .to_owned();
        manager.create_table(uploads).await?;
        let by_age = Index::create()
            .name("uploads_by_age")
            .table(Uploads::Table)
            .col(Uploads::StartedAt)
            .to_owned();
        manager.create_index(by_age).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let uploads = Table::drop().table(Uploads::Table).to_owned();
        manager.drop_table(uploads).await?;
        let files = Table::drop().table(Files::Table).to_owned();
        manager.drop_table(files).await
    }
}

fn files_table() -> TableCreateStatement {
    Table::create()
        .table(Files::Table)
        .col(uuid(Files::Id).primary_key())
        .col(uuid(Files::Owner))
        .col(uuid_null(Files::Session))
        .col(string_null(Files::Operation))
        .col(string(Files::Name))
        .col(string(Files::ContentType))
        .col(big_integer(Files::Size))
        .col(string(Files::Sha256))
        .col(integer(Files::Width))
        .col(integer(Files::Height))
        .col(big_integer(Files::CreatedAt))
        .col(big_integer_null(Files::DeletedAt))
        .to_owned()
}

fn files_indexes() -> [IndexCreateStatement; 4] {
    let index = |name: &str| Index::create().name(name).table(Files::Table).to_owned();
    [
        index("files_by_owner")
            .col(Files::Owner)
            .col(Files::Id)
            .to_owned(),
        index("files_by_session")
            .col(Files::Owner)
            .col(Files::Session)
            .col(Files::Id)
            .to_owned(),
        // Many nulls are fine for both engines: only what has an operation is unique.
        index("files_by_operation")
            .col(Files::Owner)
            .col(Files::Operation)
            .unique()
            .to_owned(),
        index("files_by_deletion")
            .col(Files::DeletedAt)
            .and_where(Expr::col(Files::DeletedAt).is_not_null())
            .to_owned(),
    ]
}

//! API keys.

use sea_orm_migration::prelude::*;

use crate::store::entity::api_key::{Column, Entity};
use crate::store::entity::user;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut user = ForeignKey::create();
        user.name("api_keys_user_id_fkey")
            .from(Entity, Column::UserId)
            .to(user::Entity, user::Column::Id)
            .on_delete(ForeignKeyAction::Cascade);
        let mut keys = Table::create();
        keys.table(Entity)
            .col(ColumnDef::new(Column::Id).uuid().not_null().primary_key())
            .col(ColumnDef::new(Column::UserId).uuid().not_null())
            .col(ColumnDef::new(Column::Digest).blob().not_null())
            .col(ColumnDef::new(Column::Prefix).text().not_null())
            .col(ColumnDef::new(Column::DisplayName).text().not_null())
            .col(ColumnDef::new(Column::Scopes).text().not_null())
            .col(ColumnDef::new(Column::CreatedAt).big_integer().not_null())
            .col(ColumnDef::new(Column::LastUsedAt).big_integer())
            .col(ColumnDef::new(Column::ExpiresAt).big_integer())
            .col(ColumnDef::new(Column::RevokedAt).big_integer())
            .check(Expr::cust("length(digest) = 32"))
            .check(Expr::cust("length(scopes) > 0"))
            .check(Expr::cust("expires_at > created_at"))
            .foreign_key(&mut user);
        manager.create_table(keys).await?;
        let mut by_digest = Index::create();
        by_digest
            .name("api_keys_digest_key")
            .table(Entity)
            .col(Column::Digest)
            .unique();
        manager.create_index(by_digest).await?;
        // A user's keys are listed by it, newest first.
        let mut by_user = Index::create();
        by_user
            .name("api_keys_user_id_idx")
            .table(Entity)
            .col(Column::UserId)
            .col(Column::Id);
        manager.create_index(by_user).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table(Entity).to_owned())
            .await
    }
}
